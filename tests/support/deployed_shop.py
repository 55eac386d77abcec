"""The application of ``examples/deploy``, served as its files say: gunicorn behind nginx, with Valkey."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml

from certificates import Authority
from command_line import run
from store_servers import Server, free_port

FOLDER = Path(__file__).parent.parent.parent / "examples" / "deploy"
NAME = "shop.example.com"
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def compose():
    """Return the services of the compose file, and what they share."""
    return yaml.safe_load((FOLDER / "compose.yml").read_text("utf-8"))


def kubernetes():
    """Return the pod of the deployment."""
    return yaml.safe_load((FOLDER / "kubernetes.yml").read_text("utf-8"))["spec"]["template"]["spec"]


def instructions():
    """Return the instructions of the Dockerfile, each with its arguments as text."""
    lines = (FOLDER / "Dockerfile").read_text("utf-8").splitlines()
    return [tuple(line.split(" ", 1)) for line in lines if line and not line.startswith("#")]


def instruction(name):
    """Return the arguments of the last instruction *name*, which counts."""
    return [arguments for word, arguments in instructions() if word == name][-1]


def store_options():
    """Return the options of the store's server."""
    return compose()["services"]["valkey"]["command"][1:]


@contextmanager
def deployed(folder, password):
    """Serve the application; yield the proxy's URL, the authority of its certificate and the application's port."""
    with ExitStack() as stack:
        store = Server("valkey", *store_options())
        stack.callback(store.stop)
        for file in FOLDER.iterdir():
            shutil.copy(file, folder)
        assert 0 == run("keys", "new", "--folder", "keys").code
        assert 0 == run("users", "add", "alice", "--file", "users.json", "--password-stdin", stdin=password).code
        port = stack.enter_context(_application(folder, store.url))
        url, authority = stack.enter_context(_proxy(folder, port))
        yield url, authority, port


@contextmanager
def _application(folder, store_url):
    listener = socket.create_server(("127.0.0.1", 0))
    listener.set_inheritable(True)
    environment = {
        "SAFECONDUCT_STORE__URL": store_url,
        # A machine that runs other tests beside this one may be slow.
        "SAFECONDUCT_STORE__DEADLINE_MS": "20000",
        "SAFECONDUCT_KEYS": str(folder / "keys"),
        "SAFECONDUCT_LOGIN__USERS": str(folder / "users.json"),
        "SAFECONDUCT_PROXIES__TRUSTED": '["127.0.0.1"]',
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
        "BIND": f"fd://{listener.fileno()}",
    }
    program, *options = json.loads(instruction("CMD"))
    process = subprocess.Popen(
        [sys.executable, "-m", program, *options],
        cwd=folder,
        env=os.environ | environment,
        pass_fds=[listener.fileno()],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    port = listener.getsockname()[1]
    listener.close()
    try:
        yield port
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def _proxy(folder, port):
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("no nginx on PATH")
    authority = Authority(folder, "authority")
    key, certificate = authority.issue(NAME)
    own_port = free_port()
    text = (folder / "nginx.conf").read_text("utf-8")
    for there, here in {
        "10.87.0.10:8000": f"127.0.0.1:{port}",
        "listen 8443 ssl": f"listen 127.0.0.1:{own_port} ssl",
        "/run/secrets/certificate-key": str(key),
        "/run/secrets/certificate;": f"{certificate};",
        "http {": "http { access_log off; " + " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in _TEMPORARY),
    }.items():
        assert there in text, there
        text = text.replace(there, here)
    (folder / "nginx.conf").write_text(text, "utf-8")
    command = [program, "-p", str(folder), "-c", "nginx.conf", "-e", "error.log", "-g", "pid nginx.pid;"]
    # It returns when its sockets listen.
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    try:
        yield f"https://127.0.0.1:{own_port}", authority.file
    finally:
        subprocess.run([*command, "-s", "stop"], check=True, capture_output=True, timeout=60)


def metric_names(text):
    """Return the names of our metrics in an expression."""
    return set(re.findall(r"safeconduct_\w+", text))
