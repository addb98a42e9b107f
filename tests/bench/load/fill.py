"""Puts sessions of other people into a store, until it has so many.

    fill.py sqlite FILE COUNT [TOKENS]
    fill.py redis PORT COUNT [TOKENS]

TOKENS is a file that gets what each of them is shown by, one a line.
"""

import base64
import contextlib
import hashlib
import itertools
import os
import socket
import sqlite3
import sys


def keys(count, tokens):
    """The names of so many sessions."""
    for _ in range(count):
        token = os.urandom(32)
        if tokens:
            print(base64.urlsafe_b64encode(token).rstrip(b"=").decode(), file=tokens)
        yield hashlib.sha256(token).digest()


def sqlite(file, count, tokens):
    store = sqlite3.connect(file)
    # What is lost when the machine stops is made again.
    store.execute("PRAGMA synchronous = OFF")
    row = store.execute("SELECT generation, record, ends_at, last_seen FROM session LIMIT 1").fetchone()
    (have,) = store.execute("SELECT COUNT(*) FROM session").fetchone()
    rows = ((key, os.urandom(16), *row) for key in keys(count - have, tokens))
    with store:
        store.executemany(
            "INSERT INTO session (key, account_id, generation, record, ends_at, last_seen) VALUES (?, ?, ?, ?, ?, ?)",
            rows,
        )
    store.close()


def words(*parts):
    parts = [part if isinstance(part, bytes) else str(part).encode() for part in parts]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def answer(lines):
    line = lines.readline()
    kind, rest = line[:1], line[1:].strip()
    if kind == b"$":
        return None if rest == b"-1" else lines.read(int(rest) + 2)[:-2]
    if kind == b"*":
        return [answer(lines) for _ in range(int(rest))]
    if kind == b"-":
        sys.exit(rest.decode())
    return rest


def redis(port, count, tokens):
    link = socket.create_connection(("127.0.0.1", int(port)))
    lines = link.makefile("rb")

    def ask(*parts):
        link.sendall(words(*parts))
        return answer(lines)

    pattern = b"doorward:session:"
    there = ask("KEYS", pattern + b"*")
    fields = ask("HGETALL", there[0])
    left = ask("PTTL", there[0])
    last = ask("GET", there[0].replace(b":session:", b":seen:"))
    missing = keys(count - len(there), tokens)
    while some := list(itertools.islice(missing, 1000)):
        batch, answers = [], 0
        for key in some:
            key = key.hex().encode()
            batch.append(words("HSET", pattern + key, *fields))
            batch.append(words("PEXPIRE", pattern + key, left))
            answers += 2
            if last is not None:
                batch.append(words("SET", b"doorward:seen:" + key, last, "PX", left))
                answers += 1
        link.sendall(b"".join(batch))
        for _ in range(answers):
            answer(lines)


store, where, count, *file = sys.argv[1:]
with open(file[0], "w") if file else contextlib.nullcontext() as tokens:
    {"sqlite": sqlite, "redis": redis}[store](where, int(count), tokens)
