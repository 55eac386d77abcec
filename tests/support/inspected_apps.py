"""Applications that the command line inspects: each is written as a module beside a configuration."""

import importlib
import textwrap

from command_line import run, write_configuration

ACCESS = """
[safeconduct.access]
public = ["GET /public", "/legacy/public"]
rules = [
    { path = "/admin/{rest...}", roles = ["admin", "clerk"] },
    { path = "/users/{name}", methods = ["DELETE"], level = "explicit", max_age_seconds = 60 },
    { path = "/scripts", schemes = ["client", "bearer"] },
]
"""

IMPORTS = """
from fastapi import APIRouter, FastAPI
from flask import Flask
from flask.views import MethodView
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute
from a2wsgi import WSGIMiddleware
from safeconduct import Auth, Config, requires
from safeconduct.asgi import AuthMiddleware
from safeconduct.flask import Safeconduct

async def view(request): return PlainTextResponse("")
async def echo(socket): ...
async def raw(scope, receive, send): ...
@requires(scopes=["pay"])
@requires(roles=["boss"])
async def guarded(request): ...
@requires(schemes=["cookie"])
async def clicked(request): ...
def auth(): return Auth(Config.load())

def flask_app():
    app = Flask("inner")
    app.add_url_rule("/users/<name>", "users", lambda name: "", methods=["GET", "DELETE"])
    app.add_url_rule("/public", "public", lambda: "")
    app.add_url_rule("/pay", "pay", requires(scopes=["pay"])(lambda: ""), methods=["POST"])
    return app

def starlette_app(*, routes=(), middleware=True):
    app = Starlette(routes=[Route("/public", view), *routes])
    if middleware:
        app.add_middleware(AuthMiddleware, auth=auth())
    return app
"""


def module_writer(folder):
    """Return a function that writes a new module for each test, beside a configuration in *folder*."""
    write_configuration(folder, more=ACCESS)

    def write_module(text):
        # The module is named after the test's folder, so that no import of another test is found again.
        name = "made_" + folder.name.replace("-", "_")
        (folder / f"{name}.py").write_text(IMPORTS + textwrap.dedent(text))
        return name

    return write_module


def loaded(target):
    """Return the application itself."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def rows(target):
    """Return what ``safeconduct routes`` prints, by method and path."""
    ended = run("routes", target, "--json")
    assert 0 == ended.code, ended.err
    return {(row["method"], row["path"]): row for row in ended.json}


def own_rows(target):
    """Return the rows of the application's routes, without our endpoints."""
    return {key: row for key, row in rows(target).items() if not key[1].startswith(("/auth/", "/.well-known/"))}


def findings(target):
    """Return what ``safeconduct doctor`` finds out about the application and its rules."""
    ended = run("doctor", target, "--json")
    return [(each["verdict"], each["text"]) for each in ended.json if each["subject"] in {"application", "access"}]
