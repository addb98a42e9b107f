#!/usr/bin/env python3
"""A mail server on loopback, with TLS and a password, that writes down what it is sent.

    mail.py FOLDER starttls|tls USER PASSWORD

Writes FOLDER/ca.pem, FOLDER/port once it listens, and FOLDER/N.eml for message N. Ends with its standard input.
"""

import socket
import ssl
import sys
from pathlib import Path

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Keep:
    def __init__(self, folder):
        self.folder, self.count = folder, 0

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        part = self.folder / f"{self.count}.part"
        part.write_bytes(envelope.content)
        part.rename(self.folder / f"{self.count}.eml")
        return "250 taken"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def main():
    folder, how, user, password = Path(sys.argv[1]), *sys.argv[2:]
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)

    def known(server, session, envelope, mechanism, data):
        right = (data.login, data.password) == (user.encode(), password.encode())
        return AuthResult(success=right)

    words = {"authenticator": known, "auth_required": True}
    if how == "starttls":
        words |= {"tls_context": tls, "require_starttls": True}
    else:
        words |= {"ssl_context": tls, "auth_require_tls": False}
    server = Controller(Keep(folder), hostname="127.0.0.1", port=free_port(), **words)
    server.start()
    (folder / "port.part").write_text(str(server.port))
    (folder / "port.part").rename(folder / "port")
    sys.stdin.read()
    server.stop()


main()
