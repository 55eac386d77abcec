"""Views of Django are typed with ``django-stubs``, except for the attributes that the middleware adds to a request."""

from typing import assert_type

from django.http import HttpRequest, HttpResponse

from safeconduct import Account, Auth, Principal, principal, requires
from safeconduct.django import acheck_password, aset_cookies, check_password, clear_cookies, get_auth, set_cookies


def enter(request: HttpRequest) -> HttpResponse:
    """A sign-in page of the project's own."""
    auth = assert_type(get_auth(), Auth)
    account = assert_type(check_password("alice", "a long pass phrase", request), Account)
    response = HttpResponse()
    set_cookies(response, auth.sessions.sign_in(account, origin=auth.cookies.origin_of(request)), request)
    clear_cookies(response)
    return response


async def enter_awaited(request: HttpRequest) -> HttpResponse:
    """An async one."""
    auth = get_auth()
    account = assert_type(await acheck_password("alice", "a long pass phrase", request), Account)
    response = HttpResponse()
    await aset_cookies(response, await auth.async_sessions.sign_in(account), request)
    return response


@requires(scopes=["refund"])
def refund(request: HttpRequest) -> HttpResponse:
    """``principal()`` has a type; ``request.principal`` is unknown, as the documents say."""
    # An error here, or an ignore that is not needed, means that the page has to be changed.
    if request.principal is None:  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
        return HttpResponse(status=401)
    return HttpResponse(assert_type(principal(), Principal).subject)
