"""Check that an application serves signed-in users, and refuses forged credentials and every way around them."""

from collections.abc import Callable, Iterator
from typing import Final
from unittest import SkipTest

from safeconduct.principal import Principal
from safeconduct.testing.conformance.check import (
    FOREIGN_PAGES,
    Check,
    expect,
    expect_not_served,
    expect_served,
    fail,
    fields,
    get,
    revoke,
)
from safeconduct.testing.conformance.forgeries import FORGERIES, Signer
from safeconduct.testing.conformance.in_process import AttackRequest
from safeconduct.testing.conformance.site import Site

_METHODS: Final = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "UNKNOWN", "get")
_ROLES: Final = ("roles", "x-roles", "x-user-roles", "x-forwarded-groups", "remote-groups")
_NAMES: Final = (
    *("remote-user", "remote_user", "x-remote-user", "x-forwarded-user", "x-auth-request-user", "x-user"),
    *("x-authenticated-user", "x-forwarded-email", "ssl-client-s-dn", "x-ssl-client-verify", "x-webauth-user"),
)
_OTHER_PATHS: Final = ("x-original-url", "x-rewrite-url", "x-forwarded-uri", "x-forwarded-prefix", "x-script-name")
_OTHER_METHODS: Final = ("x-http-method-override", "x-http-method", "x-method-override")


def _user_is_let_in(site: Site) -> None:
    expect_served(site, get(site.closed, fields(site.user())))


def _anonymous_is_challenged(site: Site) -> None:
    response = expect(site, get(site.closed), 401)
    if not response.values("www-authenticate"):
        raise AssertionError(
            f"GET {site.closed}: got 401 without WWW-Authenticate, wanted a challenge (RFC 9110 §11.6.1)"
        )


def _head_has_no_body(site: Site) -> None:
    # Where a route answers GET alone, a framework may say so before the middleware is asked.
    response = expect(site, AttackRequest("HEAD", site.closed), 401, 405)
    if response.status != 405 and response.body:  # noqa: PLR2004 - a status
        raise AssertionError(f"HEAD {site.closed}: got {len(response.body)} octets of a body, wanted none")


def _method_is_refused(method: str) -> Check:
    return Check(
        f"{method} without a credential is refused",
        lambda site: expect_not_served(site, AttackRequest(method, site.closed)),
    )


def _forgery_is_refused(name: str, forge: Callable[[Signer], str]) -> Check:
    def run(site: Site) -> None:
        token = forge(Signer(site.tokens))
        expect(site, get(site.closed, fields(site.credential(token))), 400, 401)

    return Check(f"{name} is refused", run)


def _two_credentials_are_refused(site: Site) -> None:
    alice, bob = fields(site.user()), fields(site.user(site.new_subject()))
    for both in (alice + bob, alice + alice):
        expect(site, get(site.closed, both), 400, 401)


def _query_is_no_credential(site: Site) -> None:
    token = Signer(site.tokens).issued()
    expect(site, get(site.closed, query=f"access_token={token}&token={token}"), 401)


def _names_in_headers_are_ignored(site: Site) -> None:
    for name in _NAMES:
        expect(site, get(site.closed, ((name, "admin"),)), 400, 401)


def _planted_identity_is_ignored(site: Site) -> None:
    admin = Principal(
        subject="admin",
        issuer="https://attacker.example",
        level="multifactor",
        scheme="bearer",
        scopes=frozenset(site.scopes),
        expires_at=1 << 40,
    )
    names = ("user", "auth", "safeconduct", "safeconduct.identity", "safeconduct.proof")
    planted = {**dict.fromkeys(names, admin), "REMOTE_USER": "admin", "AUTH_TYPE": "bearer"}
    expect(site, get(site.closed, planted=planted), 401)


def _other_paths_in_headers_are_ignored(site: Site) -> None:
    for name in _OTHER_PATHS:
        expect(site, get(site.closed, ((name, site.public or "/"),)), 401)


def _other_methods_in_headers_are_ignored(site: Site) -> None:
    for name in _OTHER_METHODS:
        expect_not_served(site, AttackRequest("POST", site.closed, ((name, "GET"),)))


def _spellings(path: str) -> Iterator[str]:
    last = path.rstrip("/").rpartition("/")[2]
    spelled = f"%{ord(last[0]):02x}{last[1:]}" if last else ""
    yield from (
        f"/{path}",
        f"/.{path}",
        f"/x/..{path}",
        f"{path}/.",
        f"{path}//",
        f"{path}%00",
        f"{path}%2f",
    )
    yield from (path.removesuffix(last) + spelled, path.replace("/", "/%2e/", 1), path.replace("/", "%2f"))


def _spellings_are_closed(site: Site) -> None:
    for path in _spellings(site.closed):
        expect_not_served(site, get(path))


def _spellings_need_the_role(site: Site) -> None:
    path, _ = _needs_role(site)
    for spelled in _spellings(path):
        expect_not_served(site, get(spelled, fields(site.user())))


def _preflight_gets_no_content(site: Site) -> None:
    served = expect_served(site, get(site.closed, fields(site.user())))
    headers = (FOREIGN_PAGES[0], ("access-control-request-method", "GET"))
    response = site.ask(AttackRequest("OPTIONS", site.closed, headers))
    if response.is_served and response.body == served.body != b"":
        fail(AttackRequest("OPTIONS", site.closed), response, "not the response of GET")


def _revoked_token_is_refused(site: Site) -> None:
    subject = site.new_subject()
    headers = fields(site.user(subject))
    expect_served(site, get(site.closed, headers))
    revoke(site, subject)
    expect(site, get(site.closed, headers), 401)


def _needs_role(site: Site) -> tuple[str, str]:
    if site.needs_role is None:
        raise SkipTest("no path was given that needs a role")
    return site.needs_role


def _role_is_needed(site: Site) -> None:
    path, role = _needs_role(site)
    expect_served(site, get(path, fields(site.user(roles=[role]))))
    expect(site, get(path, fields(site.user())), 403)
    expect(site, get(path), 401)
    expect(site, AttackRequest("HEAD", path, fields(site.user())), 403, 405)


def _roles_in_headers_are_ignored(site: Site) -> None:
    path, role = _needs_role(site)
    claimed = tuple((name, role) for name in _ROLES)
    expect(site, get(path, fields(site.user()) + claimed), 403)


def _public(site: Site) -> str:
    if site.public is None:
        raise SkipTest("no public path was given")
    return site.public


def _public_is_open(site: Site) -> None:
    path = _public(site)
    expect_served(site, get(path))
    expect_served(site, get(path, fields(site.user())))


def _bad_token_on_public_path(site: Site) -> None:
    request = get(_public(site), (("authorization", "Bearer not-a-token"),))
    if site.auth.config.access.on_invalid == "reject":
        expect(site, request, 400, 401)
    else:
        expect_served(site, request)


ACCESS_CHECKS: Final = (
    Check("a signed-in user is let in", _user_is_let_in),
    Check("an anonymous caller is challenged", _anonymous_is_challenged),
    Check("a refused HEAD has no body", _head_has_no_body),
    *map(_method_is_refused, _METHODS),
    *(_forgery_is_refused(name, forge) for name, forge in FORGERIES.items()),
    Check("two credentials in one request are refused", _two_credentials_are_refused),
    Check("a token in the query is no credential", _query_is_no_credential),
    Check("user names in headers are ignored", _names_in_headers_are_ignored),
    Check("an identity that is there before is ignored", _planted_identity_is_ignored),
    Check("other paths in headers are ignored", _other_paths_in_headers_are_ignored),
    Check("other methods in headers are ignored", _other_methods_in_headers_are_ignored),
    Check("other spellings of a closed path are closed", _spellings_are_closed),
    Check("other spellings of a path need its role", _spellings_need_the_role),
    Check("a forged preflight gets no content", _preflight_gets_no_content),
    Check("a revoked token is refused", _revoked_token_is_refused),
    Check("a role is needed where it is demanded", _role_is_needed),
    Check("roles in headers are ignored", _roles_in_headers_are_ignored),
    Check("a public path is open", _public_is_open),
    Check("a bad token on a public path is treated as configured", _bad_token_on_public_path),
)
