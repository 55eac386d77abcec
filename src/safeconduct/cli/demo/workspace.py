"""Where a demo lives: a folder with a key, two users with random passwords, and the configuration of all that."""

import json
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from safeconduct._keys.folder import write_key
from safeconduct._keys.generate import new_key, new_secrets
from safeconduct._keys.keyset import KeySet
from safeconduct._tokens.issuer import Grant
from safeconduct.cli.context import Opened, instant_ms
from safeconduct.config import Config
from safeconduct.directories import UsersFile

TOKEN_LIFETIME_SECONDS: Final = 3600
ROLES: Final = {"alice": "user", "root": "admin"}
_PASSWORD_BYTES: Final = 12

_CONFIGURATION: Final = """\
[safeconduct]
issuer = {url}
audience = {url}
external_url = {url}
keys = "keys/"
store = {store}
sources = ["bearer", "basic", "cookie"]

[safeconduct.tokens]
access_lifetime_seconds = 60  # short, so that the page's bar is seen to move

[safeconduct.sessions]
idle_lifetime_seconds = 300  # as short: the page asks after half of it whether it shall remember for longer
absolute_lifetime_seconds = 43200

[safeconduct.cookies]
mode = "require"  # a browser never gets a token in a body
secure = false  # plain http, from this machine to this machine; never do that over a network
# A cookie is for all ports of a host (RFC 6265 §8.5), and two demos may run at once.
access = "safeconduct-{port}"
refresh = "safeconduct-refresh-{port}"
device = "safeconduct-device-{port}"

[safeconduct.csrf]
trusted_origins = ["http://localhost:{port}"]

[safeconduct.access]
public = ["GET /", "/public"]
rules = [{{ path = "/admin", roles = ["admin"] }}]

[safeconduct.basic]
allow_plain_http = true  # curl -u, from this machine to this machine; never do that over a network

[safeconduct.login]
users = "users.json"
"""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A demo's folder."""

    folder: Path
    url: str
    passwords: dict[str, str] = field(repr=False)

    @property
    def config_path(self) -> Path:
        """The configuration, for the other commands."""
        return self.folder / "safeconduct.toml"

    def config(self) -> Config:
        """
        Read the configuration, whatever the environment says.

        Raises:
            ConfigurationError: If the store's URL is none.
        """
        return Config.load(self.config_path, environ={})


def build_workspace(folder: Path, *, url: str, store: str) -> Workspace:
    """
    Fill *folder* anew with a key, the users and the configuration.

    Args:
        folder: Where; a key that is there stays.
        url: Where the application will be reached.
        store: The URL of the store.
    """
    keys = folder / "keys"
    if not keys.exists():
        write_key(keys, new_key("ES256", now=time.time(), randomness=secrets.token_bytes))
        write_key(keys, new_secrets(KeySet(), randomness=secrets.token_bytes))
    # There are no default accounts (ASVS 6.3.2): each demo draws its passwords.
    passwords = {name: secrets.token_urlsafe(_PASSWORD_BYTES) for name in ROLES}
    users = UsersFile.create(folder / "users.json")
    for name, password in passwords.items():
        users.add(name, password, roles=[ROLES[name]], replaces=True)
    house = Workspace(folder, url, passwords)
    # A string of JSON is one of TOML.
    text = _CONFIGURATION.format(url=json.dumps(url), store=json.dumps(store), port=urlsplit(url).port)
    house.config_path.write_text(text, "utf-8")
    return house


def issue_tokens(tools: Opened) -> dict[str, str]:
    """
    Issue a token to each user, who proved himself just now.

    Raises:
        Unavailable: If the store does not answer.
    """
    return {name: _issue(tools, name) for name in ROLES}


def _issue(tools: Opened, name: str) -> str:
    iat_ms = instant_ms(tools, subject=name)
    grant = Grant(
        subject=name,
        level="explicit",
        roles=[ROLES[name]],
        lifetime_seconds=TOKEN_LIFETIME_SECONDS,
        auth_time=iat_ms // 1000,
        amr=["pwd"],
    )
    return tools.container.issuer.issue(grant, iat_ms=iat_ms)
