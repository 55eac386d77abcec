"""A certified OpenID provider on node, in a process of its own; its program is not part of this repository."""

import json
import os
import shutil
import socket
import subprocess
from base64 import b64encode
from http.client import HTTPConnection

import pytest

from interop_peers import NODE, node_package
from project_files import PROJECT

PROGRAM = PROJECT.parent / "shared" / "interop" / "op.mjs"
AUDIENCE = "https://api.example"
PATIENCE_SECONDS = 60


class Provider:
    """A provider that signs access tokens with one algorithm, until it is closed."""

    def __init__(self, program, algorithm, folder):
        shutil.copy(program, folder / "op.mjs")
        (folder / "node_modules").symlink_to(NODE / "node_modules")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._process = subprocess.Popen(
            ["node", folder / "op.mjs", str(self.port)],  # noqa: S607 - any node will do
            env=os.environ | {"AT_ALG": algorithm, "API_AUD": AUDIENCE},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for line in self._process.stdout:
            if line.startswith("{"):
                break
        self.issuer = json.loads(line)["issuer"]

    def ask(self, method, path, body=None, **fields):
        """Return the provider's JSON response."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, path, body, fields)
            return json.load(connection.getresponse())
        finally:
            connection.close()

    def token(self):
        """Return an access token of the client credentials grant."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        secret = {"Authorization": "Basic " + b64encode(b"m2m:m2m-secret").decode()}
        return self.ask("POST", "/token", "grant_type=client_credentials&scope=read", **form, **secret)["access_token"]

    def close(self):
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


def require_provider():
    """Skip the test where the provider cannot run."""
    if not PROGRAM.exists():
        pytest.skip("interop/op.mjs, which starts the provider, is absent")
    node_package("oidc-provider")
