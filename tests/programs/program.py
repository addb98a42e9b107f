"""A WSGI program that notes down what it believes it was asked, and says so."""

import json
import os

NAMED = {
    "user": "HTTP_REMOTE_USER",
    "groups": "HTTP_REMOTE_GROUPS",
    "host": "HTTP_HOST",
    "cookie": "HTTP_COOKIE",
    "authorization": "HTTP_AUTHORIZATION",
    "peer": "HTTP_X_FORWARDED_FOR",
    "row": "HTTP_X_ROW",
}


def application(environ, start_response):
    seen = {name: environ.get(key, "") for name, key in NAMED.items()}
    seen["path"] = environ["PATH_INFO"]
    seen["method"] = environ["REQUEST_METHOD"]
    seen["all"] = {name: value for name, value in environ.items() if name.startswith("HTTP_")}
    with open(os.environ["SEEN"], "a", encoding="utf-8") as file:
        file.write(json.dumps(seen) + "\n")
    seen["body"] = environ["wsgi.input"].read().decode("latin-1")
    body = json.dumps(seen).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
