#!/usr/bin/env python3
"""Writes accounts as a Flask application would have kept them, as CSV that `doorward user import` takes.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install werkzeug bcrypt passlib argon2-cffi
    /tmp/venv/bin/python tests/import/people.py 10000 > people.csv
    doorward user import people.csv

Every hash is made by Werkzeug itself, but with fewer rounds than it would choose, or ten thousand would take an hour;
only every hundredth is as strong as it makes them. The password of NAME is `NAME likes trams`.

    /tmp/venv/bin/python tests/import/people.py --fixture > identity/src/import/fixtures/hashes.csv

writes the kinds of hashes that the unit tests check, one a row.
"""

import csv
import sys

COLUMNS = ["username", "email", "password_hash", "first_name", "last_name", "date_of_birth", "roles", "mfa_enabled"]
LOW = ["pbkdf2:sha256:1000", "scrypt:1024:8:1"]
OWN = ["pbkdf2", "scrypt"]


def password(name):
    return f"{name} likes trams"


def many(count):
    from werkzeug.security import generate_password_hash

    for number in range(count):
        name = f"person{number:05}"
        method = OWN[number // 100 % 2] if number % 100 == 0 else LOW[number % 2]
        yield {
            "username": name if number % 3 else "",
            "email": f"{name}@example.com",
            "password_hash": generate_password_hash(password(name), method),
            "first_name": "Anna" if number % 2 else "Jürgen",
            "last_name": f"Nummer {number}",
            "date_of_birth": f"{1950 + number % 50}-{1 + number % 12:02}-{1 + number % 28:02}",
            "roles": "user;editor" if number % 10 == 0 else "user",
            "mfa_enabled": "true" if number % 50 == 0 else "false",
        }


def fixture():
    import argon2
    import bcrypt
    from passlib import hash as passlib
    from werkzeug.security import generate_password_hash

    def werkzeug(method, salt_length=16):
        return lambda text: generate_password_hash(text, method, salt_length)

    def bcrypted(prefix, rounds):
        def make(text):
            made = bcrypt.hashpw(text.encode(), bcrypt.gensalt(rounds, b"2b")).decode()
            return prefix + made[len("$2b") :]

        return make

    def argon(kind, **costs):
        return argon2.PasswordHasher(type=kind, **costs).hash

    kinds = {
        "werkzeug-pbkdf2": werkzeug("pbkdf2"),
        "werkzeug-scrypt": werkzeug("scrypt"),
        "werkzeug-pbkdf2-sha256": werkzeug("pbkdf2:sha256:260000"),
        "werkzeug-pbkdf2-short-salt": werkzeug("pbkdf2:sha256:1000", 8),
        "werkzeug-pbkdf2-sha512": werkzeug("pbkdf2:sha512:2000"),
        "werkzeug-pbkdf2-sha1": werkzeug("pbkdf2:sha1:1000"),
        "werkzeug-scrypt-low": werkzeug("scrypt:1024:8:1"),
        "werkzeug-scrypt-wide": werkzeug("scrypt:256:16:4"),
        "bcrypt-2a": bcrypted("$2a", 4),
        "bcrypt-2b": bcrypted("$2b", 5),
        "bcrypt-2y": bcrypted("$2y", 4),
        "bcrypt-2b-12": bcrypted("$2b", 12),
        "argon2id-authelia": argon(argon2.Type.ID, memory_cost=65536, time_cost=3, parallelism=4),
        "argon2id-low": argon(argon2.Type.ID, memory_cost=64, time_cost=1, parallelism=1),
        "argon2i": argon(argon2.Type.I, memory_cost=512, time_cost=2, parallelism=2),
        "argon2d": argon(argon2.Type.D, memory_cost=512, time_cost=2, parallelism=1),
        "passlib-pbkdf2-sha1": passlib.pbkdf2_sha1.using(rounds=1000).hash,
        "passlib-pbkdf2-sha256": passlib.pbkdf2_sha256.using(rounds=1000).hash,
        "passlib-pbkdf2-sha512": passlib.pbkdf2_sha512.using(rounds=2000).hash,
        "passlib-scrypt": passlib.scrypt.using(rounds=8, block_size=8, parallelism=2).hash,
        "sha256-crypt": passlib.sha256_crypt.using(rounds=5000).hash,
        "sha512-crypt": passlib.sha512_crypt.using(rounds=50000).hash,
    }
    for name, make in kinds.items():
        yield {
            "username": name,
            "email": f"{name}@example.com",
            "password_hash": make(password(name)),
            "first_name": "Jürgen",
            "last_name": "Ōe, \"der Ältere\"",
            "date_of_birth": "1990-02-28",
            "roles": "user",
            "mfa_enabled": "false",
        }


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    rows = fixture() if sys.argv[1] == "--fixture" else many(int(sys.argv[1]))
    table = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)


main()
