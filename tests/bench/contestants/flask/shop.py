"""A site with its own sign-in: Flask and Flask-Login, as their documentation shows it."""

from flask import Flask, abort, request
from flask_login import LoginManager, UserMixin, login_required, login_user

site = Flask(__name__)
site.secret_key = "only for this measurement"
manager = LoginManager(site)
SIZES = {"1k": 1 << 10, "64k": 1 << 16, "1m": 1 << 20}
FILES = {name: b"x" * size for name, size in SIZES.items()}


class Person(UserMixin):
    def __init__(self, name):
        self.id = name


@manager.user_loader
def load(name):
    return Person(name)


@site.post("/login")
def login():
    login_user(Person(request.form["login"]))
    return ""


@site.get("/<name>")
@login_required
def file(name):
    if name not in FILES:
        abort(404)
    return FILES[name], {"Content-Type": "application/octet-stream"}
