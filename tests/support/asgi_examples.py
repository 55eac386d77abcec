"""The examples of the ASGI frameworks, which have the same routes and protect them alike."""

import importlib.util
import shutil
import sys
from contextlib import contextmanager

from command_line import run, without_environment
from project_files import PROJECT


@contextmanager
def opened_example(framework, client, folder, monkeypatch):
    """Yield a test client of the example, in *folder* with its configuration and keys, as its docstring has it."""
    monkeypatch.chdir(folder)
    without_environment(monkeypatch)
    example = PROJECT / "examples" / framework
    shutil.copy(example / "safeconduct.toml", folder)
    assert 0 == run("keys", "new").code
    spec = importlib.util.spec_from_file_location(f"example_{framework}", example / "app.py")
    module = importlib.util.module_from_spec(spec)
    # Litestar looks up the names in annotations there.
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    with client(module.create_app()) as opened:
        yield opened


def bearer(*options):
    """Return the header of a request by alice, with the *options* of the command."""
    token = run("token", "issue", "--subject", "alice", *options).out.strip()
    return {"Authorization": f"Bearer {token}"}


def statuses_by_path(client):
    """Return what nobody, alice and an admin get at each path."""
    callers = ({}, bearer(), bearer("--role", "admin"))
    return {
        path: [client.get(path, headers=how).status_code for how in callers] for path in ("/public", "/me", "/admin")
    }
