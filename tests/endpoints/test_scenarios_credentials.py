"""Rows of the corpus of stateful attacks, over every kind of store: tokens and passwords."""

import threading
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode

import pytest

from login_site import LoginClient
from memory_directory import MemoryDirectory
from safeconduct.directories import UsersFile
from safeconduct.directories.argon2id import Cost
from table_tokens import NOW, mint

#: The order of P-256.
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.fixture
def client(any_site):
    return LoginClient(any_site)


@pytest.mark.parametrize(
    ("expires_at", "expected"),
    [(NOW * 1000, 401), (2**53, 401), (2**63 - 1, 401), (NOW + 900.5, 200)],
    ids=["ms", "2^53", "2^63", "float"],
)
def test_stateful_scenarios_025_denylist_ttl_when_exp_in_ms_float_far_future(any_site, client, expires_at, expected):
    """A token can be used until it expires or is revoked, and revoking it covers every copy."""
    odd, plain = mint(exp=expires_at), mint()
    before = client.use(odd), client.use(plain)

    any_site.auth.sessions.revoke_token("jti-alice", subject="alice", expires_at=int(expires_at))

    assert (expected, 200) == before
    assert (401, 401) == (client.use(odd), client.use(plain))


def test_stateful_scenarios_027_clock_rollback(client, clock):
    """Ended tokens and sessions stay ended."""
    client.get_tokens(remember=True)
    client.request("POST", "/auth/logout", bearer=client.tokens["access_token"])

    for seconds in (-5, -95):
        clock.advance(seconds=seconds)

        assert (401, 401) == (client.use(), client.refresh())
        assert () == client.site.auth.sessions.list("alice")


def test_stateful_scenarios_029_token_malleability_vs_denylist(workers):
    """A token is revoked by its id, so other bytes of the same token are revoked too."""
    client = LoginClient(workers())
    client.get_tokens()
    token = client.tokens["access_token"]
    twin = other_signature(token)
    before = client.use(twin), client.use(loose_bits(token))
    client.request("POST", "/auth/logout", bearer=token)

    assert (200, 401) == before
    assert [401] * 3 == [client.use(each) for each in (token, twin, loose_bits(token))]


def loose_bits(token):
    """Set the unused bits of the last character."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]


def other_signature(token):
    """Return *token* with (r, n - s), which is as valid in ECDSA as (r, s)."""
    json_body, _, signature = token.rpartition(".")
    octets = urlsafe_b64decode(signature + "==")
    mirrored = (ORDER - int.from_bytes(octets[32:])).to_bytes(32)
    return json_body + "." + urlsafe_b64encode(octets[:32] + mirrored).decode().rstrip("=")


def test_stateful_scenarios_031_local_cache_vs_revoke(workers):
    """With strict consistency the next request at any worker is refused."""
    here, there = LoginClient(workers()), LoginClient(workers())
    here.get_tokens(remember=True)
    before = here.use(), here.use()
    there.request("POST", "/auth/logout", bearer=here.tokens["access_token"])

    assert (200, 200) == before
    assert 401 == here.use()


def test_stateful_scenarios_033_cache_must_re_check_exp(client, clock):
    client.get_tokens()
    assert 200 == client.use()

    clock.advance(seconds=911)

    assert 401 == client.use()


def test_stateful_scenarios_035_cache_must_re_check_audience_and_scope_per_route(workers):
    """Applications check audiences, and routes check scopes."""
    rule = {"path": "/written", "scopes": ["write"]}
    here, there = LoginClient(workers(access={"rules": [rule]})), LoginClient(workers(audience="https://other.example"))
    here.get_tokens()
    token = here.tokens["access_token"]
    before = here.use(), here.use()

    assert (200, 200) == before
    assert 403 == here.request("GET", "/written", bearer=token, with_cookies=False)
    assert 401 == there.use(token)
    assert 200 == here.use()


def test_stateful_scenarios_043_73_byte_bcrypt_password(workers, tmp_path):
    """All of a hundred bytes count, and an unknown user gets the same answer; a benchmark measures the time."""
    password = "p" * 100
    users = UsersFile.create(tmp_path / "users.json", cost=Cost(memory_kib=8, passes=1, lanes=1))
    users.add("alice", password)
    client = LoginClient(workers(directory=users))

    cut = client.get_tokens("alice", "p" * 72 + "q" * 28)
    first_response = client.response
    unknown = client.get_tokens("nobody", password)

    assert (401, 401) == (cut, unknown)
    assert first_response == client.response
    assert 200 == client.get_tokens("alice", password)


def test_stateful_scenarios_045_verify_storm(workers):
    """Hashing is bounded, and callers beyond the bound get 503; a benchmark measures the loop's delay."""
    directory = Busy(**{f"user{number}": "pass" for number in range(200)})
    site = workers(directory=directory, sources=["basic"])

    answers = site.request_all([("GET", "/me", [basic(name, "pass")], b"") for name in directory.passwords])

    statuses = [answer.status for answer in answers]
    assert 200 == statuses.count(200) + statuses.count(503)
    assert statuses.count(200) >= 2
    assert directory.most <= 2


def basic(username, password):
    """Return the field that carries a user name and a password."""
    return ("authorization", "Basic " + b64encode(f"{username}:{password}".encode()).decode())


class Busy(MemoryDirectory):
    """A directory that records the largest number of simultaneous checks."""

    def __init__(self, **passwords):
        super().__init__(**passwords)
        self._lock, self._now, self.most = threading.Lock(), 0, 0

    def check(self, username, password):
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        answer = super().check(username, password)
        with self._lock:
            self._now -= 1
        return answer
