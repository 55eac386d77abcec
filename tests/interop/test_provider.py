"""
A certified OpenID provider, as it is, is one of the issuers that can be trusted.

The provider runs on node in a process of its own; the program that starts it is not part of this repository.
"""

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
from safeconduct import Auth, Config, Trust
from safeconduct.errors import WrongAudience

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


@pytest.fixture(params=["ES256", "RS256", "PS256", "Ed25519"])
def provider(request, tmp_path):
    """Start a provider that signs with each algorithm in turn."""
    if not PROGRAM.exists():
        pytest.skip("interop/op.mjs, which starts the provider, is absent")
    node_package("oidc-provider")
    running = Provider(PROGRAM, request.param, tmp_path)
    yield running
    running.close()


def trusting(provider, audience=AUDIENCE):
    """Return an ``Auth`` that trusts *provider* by the JWK Set that it publishes."""
    jwks = provider.ask("GET", "/jwks")
    algorithms = ["ES256", "RS256", "PS256", "Ed25519"]
    trust = Trust(issuer=provider.issuer, audience=audience, algorithms=algorithms, keys=jwks, scopes=["read"])
    return Auth(Config(store="memory://", trust=[trust]))


def test_a_token_of_a_provider_is_accepted(provider):
    """A certified provider issues RFC 9068 tokens that we accept."""
    with trusting(provider) as auth:
        principal = auth.verify(provider.token())

    who = (principal.issuer, principal.subject, principal.client_id, principal.scopes, principal.level)
    assert (provider.issuer, "m2m", "m2m", {"read"}, "remembered") == who


def test_a_token_for_somebody_else_is_refused(provider):
    """A valid signature of the provider is not enough."""
    with trusting(provider, audience="https://other.example") as auth, pytest.raises(WrongAudience) as caught:
        auth.verify(provider.token())

    assert (401, "invalid_token") == (caught.value.status, caught.value.code)
