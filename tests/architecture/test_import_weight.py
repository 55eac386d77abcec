"""``import safeconduct`` loads nothing that a user may never need."""

import subprocess
import sys

import pytest

INTEGRATED = {"starlette", "fastapi", "flask", "django", "litestar", "quart", "falcon", "pyramid", "bottle"}
FRAMEWORKS = INTEGRATED | {
    *("werkzeug", "click", "uvicorn", "waitress", "httpx2", "requests", "anyio", "pydantic", "msgspec"),
    *("opentelemetry", "prometheus_client", "authlib"),
}
LATER = FRAMEWORKS | {"asyncio", "redis", "argon2", "concurrent.futures"}


def loaded_by(statement: str) -> set[str]:
    """Return the names of all modules that a new interpreter has loaded after *statement*."""
    program = f"{statement}\nimport sys\nprint(*sys.modules)"
    # -I: no module comes from the folder or the environment of the test run
    finished = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    return set(finished.stdout.split())


def test_the_import_loads_nothing_that_waits():
    """No framework, no redis, no asyncio, no argon2 (design §3)."""
    assert set() == loaded_by("import safeconduct") & LATER


def test_the_public_names_load_no_framework():
    """Importing every public name loads the core and no framework integration."""
    assert set() == loaded_by("from safeconduct import *") & FRAMEWORKS


@pytest.mark.parametrize("world", ["asgi", "wsgi"])
def test_an_adapter_loads_no_framework(world):
    """ASGI and WSGI are calling conventions; no framework is needed to speak them."""
    assert set() == loaded_by(f"import safeconduct.{world}") & FRAMEWORKS


def test_wsgi_loads_no_event_loop():
    """A process that serves WSGI alone never pays for asyncio."""
    assert "asyncio" not in loaded_by("import safeconduct.wsgi")


#: A program that defines ``make``, which returns an ``Auth`` with some clients.
_MAKE = (
    "import safeconduct; key = __import__('safeconduct._tokens.key', fromlist=['x']).new_material('ES256'); "
    "keys = {'keys': [{**key, 'kid': 'own', 'alg': 'ES256', 'use': 'sig', 'safeconduct_state': 'active'}]}; "
    "make = lambda clients: safeconduct.Auth(safeconduct.Config(store='memory://', issuer='https://i.example', "
    "audience='a', keys=keys, clients=clients)); "
)


def test_serving_loads_no_helper_for_tests():
    """In production nothing can sign a user in without their password."""
    environ = "{'REQUEST_METHOD': 'GET', 'PATH_INFO': '/', 'wsgi.url_scheme': 'https'}"
    served = f"list(make([]).wsgi(lambda *_: [])({environ}, lambda *_: None)); make([]).asgi_gate()"

    loaded = loaded_by(_MAKE + served)

    assert "safeconduct.wsgi" in loaded
    assert set() == {name for name in loaded if name.startswith("safeconduct.testing")}


def test_a_site_without_clients_does_not_load_authlib():
    """The OAuth endpoints alone need it."""
    client = "[{'client_id': 'c', 'secret': 'sha256:' + 'ab' * 32, 'grants': ['client_credentials']}]"

    assert "authlib" not in loaded_by(f"{_MAKE} make([]).wsgi_gate()")
    assert "authlib" in loaded_by(f"{_MAKE} make({client}).wsgi_gate()")


#: An integration, and the frameworks that it or its framework is built on.
BUILT_ON = {
    "starlette": set(),
    "fastapi": {"starlette"},
    "flask": set(),
    "django": set(),
    "litestar": set(),
    "quart": {"flask"},
    "falcon": set(),
    "pyramid": set(),
    "bottle": set(),
    "opentelemetry": set(),
    "prometheus": set(),
    "audit": set(),
}


@pytest.mark.parametrize("name", BUILT_ON)
def test_an_integration_loads_its_own_framework_alone(name):
    """An application of one framework needs no other installed, and no driver of a store."""
    loaded = loaded_by(f"import safeconduct.{name}")

    assert set() == loaded & (INTEGRATED - {name} - BUILT_ON[name])
    assert set() == loaded & {"redis", "argon2", "authlib"}


@pytest.mark.parametrize("url", ["memory://", "none"])
def test_a_site_without_a_server_never_loads_its_driver(url):
    """Nor an event loop, behind WSGI, while it serves a sign-in, requests and a sign-out."""
    served = f"""
from safeconduct import Account, Auth, Config
from safeconduct.testing import throw_away_keys

name = "https://api.example.com"
application = lambda environ, start: start("200 OK", []) or [b""]
with Auth(Config(store="{url}", issuer=name, audience=name, keys=throw_away_keys())) as auth:
    protected, statuses = auth.wsgi(application), []
    token = auth.sessions.sign_in(Account("alice")).access_token
    for _ in range(3):
        environ = {{
            "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/me", "QUERY_STRING": "",
            "wsgi.url_scheme": "https",
            "HTTP_HOST": "api.example.com", "HTTP_AUTHORIZATION": "Bearer " + token, "REMOTE_ADDR": "192.0.2.1",
        }}
        list(protected(environ, lambda status, headers, *_: statuses.append(status)))
    assert ["200 OK"] * 3 == statuses, statuses
"""

    assert set() == loaded_by(served) & {"redis", "asyncio", "concurrent.futures"}


def test_a_driver_is_loaded_by_the_first_command():
    """Making an ``Auth`` and wrapping an application connects to nothing."""
    made = """
from safeconduct import Auth, Config
from safeconduct.testing import throw_away_keys

name = "https://api.example.com"
auth = Auth(Config(store="redis://127.0.0.1:1/0", issuer=name, audience=name, keys=throw_away_keys()))
auth.asgi(lambda *_: None)
auth.wsgi(lambda *_: None)
"""

    assert "redis" not in loaded_by(made)
    assert "redis" in loaded_by(f"""{made}
try:
    auth.sessions.revoke_subject("alice")
except Exception as error:
    assert type(error).__name__ == "Unavailable"
""")
