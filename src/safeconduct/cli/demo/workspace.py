"""Create the folder of a demo: a key, two users with random passwords, and the configuration."""

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
from safeconduct.auth import Auth, operator_access
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
sources = ["bearer", "basic", "cookie", "api_key"]

[safeconduct.tokens]
access_lifetime_seconds = 60  # short, so that the bar of the page is seen to move

[safeconduct.sessions]
idle_lifetime_seconds = 300  # short too: the page asks after half of it whether to remember for longer
absolute_lifetime_seconds = 43200

[safeconduct.cookies]
mode = "require"  # a browser never gets a token in a body
secure = false  # plain http, within this machine; never do this over a network
# A browser sends a cookie to all ports of a host (RFC 6265 §8.5), and two demos may run at once.
access = "safeconduct-{port}"
refresh = "safeconduct-refresh-{port}"
device = "safeconduct-device-{port}"

[safeconduct.csrf]
trusted_origins = ["http://localhost:{port}"]

[safeconduct.access]
public = ["GET /", "/public"]
rules = [{{ path = "/admin", roles = ["admin"] }}]

[safeconduct.basic]
allow_plain_http = true  # curl -u, within this machine; never do this over a network

[safeconduct.login]
users = "users.json"
"""


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folder of a demo."""

    folder: Path
    url: str
    passwords: dict[str, str] = field(repr=False)

    @property
    def config_path(self) -> Path:
        """The configuration file, for the other commands."""
        return self.folder / "safeconduct.toml"

    def config(self) -> Config:
        """
        Read the configuration and ignore the environment.

        Raises:
            ConfigurationError: If the URL of the store is not valid.
        """
        return Config.load(self.config_path, environ={})


def create_workspace(folder: Path, *, url: str, store: str) -> Workspace:
    """
    Write the key, the users and the configuration into *folder*.

    Args:
        folder: The folder; a key that is in it stays.
        url: The URL of the application.
        store: The URL of the store.
    """
    keys = folder / "keys"
    if not keys.exists():
        write_key(keys, new_key("ES256", now=time.time(), randomness=secrets.token_bytes))
        write_key(keys, new_secrets(KeySet(), randomness=secrets.token_bytes))
    # There are no default accounts (ASVS 6.3.2): each demo has new passwords.
    passwords = {name: secrets.token_urlsafe(_PASSWORD_BYTES) for name in ROLES}
    users = UsersFile.create(folder / "users.json")
    for name, password in passwords.items():
        users.add(name, password, roles=[ROLES[name]], replaces=True)
    workspace = Workspace(folder, url, passwords)
    # A JSON string is also a TOML string.
    text = _CONFIGURATION.format(url=json.dumps(url), store=json.dumps(store), port=urlsplit(url).port)
    workspace.config_path.write_text(text, "utf-8")
    return workspace


def issue_tokens(auth: Auth) -> dict[str, str]:
    """
    Issue a token to each user, as if they had just proved their password.

    Raises:
        Unavailable: If the store does not answer.
    """
    return {name: _issue(auth, name) for name in ROLES}


def _issue(auth: Auth, name: str) -> str:
    access = operator_access(auth)
    iat_ms = access.issue_time_ms(subject=name)
    grant = Grant(
        subject=name,
        level="explicit",
        roles=[ROLES[name]],
        lifetime_seconds=TOKEN_LIFETIME_SECONDS,
        auth_time=iat_ms // 1000,
        amr=["pwd"],
    )
    return access.issue(grant, iat_ms=iat_ms)
