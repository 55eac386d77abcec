"""What ends the tokens that clients sign, over memory and over real servers, in both worlds."""

import pytest

from client_tokens import SECRET
from safeconduct._core.run_sync import run_sync
from safeconduct.events import ClientTokenReused

REPORTS = {"client_id": "reports", "secret": SECRET, "scopes": ["read"]}


@pytest.fixture(params=["bounded", "strict", "none"])
def site(request, make_over):
    return make_over(revocation={"consistency": request.param})


def sessions(site):
    """Return verbs that are called and run."""

    def call(name, *arguments, **named):
        verb = getattr(site.auth.async_sessions if site.world == "asgi" else site.auth._wsgi.sessions, name)
        coroutine = verb(*arguments, **named)
        return site._runner.run(coroutine) if site.world == "asgi" else run_sync(coroutine)

    return call


def asks(site):
    """Say whether the site asks whether a credential was revoked."""
    return site.auth.config.revocation.consistency != "none"


def ends(site, token, revoke):
    """Send *token* until it is remembered, *revoke*, and say whether it still passes."""
    assert [site.status(token) for _ in range(2)] == [200, 200]
    revoke(sessions(site))
    return [site.status(token) for _ in range(2)] == [401, 401]


def test_a_revoked_client_stays_revoked_whatever_it_signs(site):
    """It dates its tokens itself: back, now, and as late as may be; also after every cut-off is forgotten."""
    assert ends(site, site.token(), lambda call: call("revoke_client", "reports")) is asks(site)
    for later in (0, 1, 3600, 90 * 86400):
        site.clock.advance(seconds=later)
        dates = ({}, {"iat": int(site.clock()) - 200}, {"iat": int(site.clock()) + 9, "jti": "new"})
        assert {site.status(site.token(**changes)) for changes in dates} == {401 if asks(site) else 200}


@pytest.mark.parametrize("how", ["jti", "digest", "subject", "everything", "client under its own name"])
def test_one_revocation_ends_what_it_names(site, how):
    """Everything that ends a token of a user ends a token of a client too."""
    token = site.token(jti="a") if how == "jti" else site.token()
    principal = site._runner.run(site.auth.async_verify(token)) if site.world == "asgi" else site.auth.verify(token)
    verbs = {
        "jti": ("revoke_token", "a", {"issuer": "reports"}),
        "digest": ("revoke_token", principal.token_id, {"issuer": principal.issuer, "subject": principal.subject}),
        "subject": ("revoke_subject", principal.subject, {"issuer": principal.issuer}),
        "everything": ("revoke_everything", None, {}),
        "client under its own name": ("revoke_client", "reports", {"issuer": "reports"}),
    }
    name, value, named = verbs[how]
    arguments = () if value is None else (value,)
    assert ends(site, token, lambda call: call(name, *arguments, **named)) is asks(site)


def test_a_new_token_lives_after_everything_was_revoked(site):
    """What it signs later has a later ``iat``."""
    assert ends(site, site.token(), lambda call: call("revoke_everything")) is asks(site)
    site.clock.advance(seconds=60)
    assert site.status(site.token()) == 200


def test_a_client_cannot_choose_what_it_revokes(site):
    """Its ``jti`` and a user's of the same name are two."""
    tokens = sessions(site)("sign_in", _alice())
    alice = tokens.access_token
    assert site.status(alice) == 200
    import jwt  # noqa: PLC0415 - here alone

    jti = jwt.decode(alice, options={"verify_signature": False})["jti"]
    assert ends(site, site.token(jti=jti), lambda call: call("revoke_token", jti, issuer="reports")) is asks(site)
    assert site.status(alice) == 200


def _alice():
    from safeconduct import Account  # noqa: PLC0415 - here alone

    return Account("alice")


def test_a_revoked_client_ends_no_user(site):
    """Users' tokens that name a client are ended until now, and a later sign-in lives."""
    assert site.status(sessions(site)("sign_in", _alice()).access_token) == 200
    sessions(site)("revoke_client", site.auth.config.issuer)
    assert site.status(sessions(site)("sign_in", _alice()).access_token) == 200


@pytest.fixture(params=["bounded", "strict", "none"])
def once(request, make_over):
    return make_over(clients=[REPORTS | {"single_use": True}], revocation={"consistency": request.param})


def test_a_jti_counts_once(once):
    """In every consistency: a second request, on whatever route, is refused and announced."""
    token = once.token(jti="a")
    assert [once.status(token) for _ in range(3)] == [200, 401, 401]
    assert once.reasons()[-1][0] == "RevokedToken"
    assert [event.client_id for event in once.events if isinstance(event, ClientTokenReused)] == ["reports"] * 2
    again = once.token(jti="a", extra=1)
    assert once.status(again) == 401
    assert once.status(once.token(jti="b")) == 200


def test_of_many_at_once_one_passes(once):
    """The use is one command of the store."""
    fields = [("authorization", f"Bearer {once.token(jti='a')}")]
    statuses = [response.status for response in once.request_all([("GET", "/", fields)] * 8)]
    assert sorted(statuses) == [200, *[401] * 7]


def test_what_counts_once_has_a_name(once):
    """Without ``jti`` it is refused: the digest would do, but the client has not meant it."""
    assert once.status(once.token()) == 401
    assert once.reasons()[-1] == ("MalformedToken", "a token that counts once has no jti")


def test_a_refused_token_is_not_used(once):
    """Only a token that would count is marked."""
    assert once.status(once.token(jti="a", aud="https://other.example")) == 401
    assert once.status(once.token(jti="a")) == 200


def test_a_revoked_client_uses_nothing(once):
    """The command that marks also asks."""
    sessions(once)("revoke_client", "reports")
    assert once.status(once.token(jti="a")) == 401


def test_an_open_route_uses_it_too(make_over):
    """It was shown, wherever that was."""
    once = make_over(clients=[REPORTS | {"single_use": True}], access={"public": ["/open"]})
    token = once.token(jti="a")
    assert once.get(token, "/open").report["who"] == "client:reports"
    assert once.status(token, "/open") == 401


def test_an_inner_middleware_does_not_take_a_use_for_a_revocation(once):
    """It asks again, with ``strict`` and with a local view, about the same request."""
    wrap = once.auth.asgi if once.world == "asgi" else once.auth.wsgi
    once.application = wrap(once.application)
    assert [once.status(once.token(jti=name)) for name in ("a", "b")] == [200, 200]
    assert once.status(once.token(jti="a")) == 401


def test_a_token_in_a_cookie_is_not_used_up(make_over):
    """It is refused before it is marked."""
    once = make_over(clients=[REPORTS | {"single_use": True}])
    token = once.token(jti="a")
    assert once.request("GET", "/", [("cookie", f"__Host-safeconduct={token}")]).status == 401
    assert once.status(token) == 200
