"""``import safeconduct`` loads nothing that a user may never need."""

import subprocess
import sys

import pytest

FRAMEWORKS = {"starlette", "fastapi", "flask", "werkzeug", "click", "uvicorn", "waitress", "httpx2", "anyio"}
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
