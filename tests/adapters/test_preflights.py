"""Treat a CORS preflight, which anybody can forge, as an anonymous request unless configured otherwise."""

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app_client import SentRequest, call_wsgi, wsgi_environ
from auth_setups import configuration, now
from frameworks import ASGI, BODY, WSGI, ServedMethods
from safeconduct import Auth
from safeconduct.asgi import AuthMiddleware
from table_tokens import tokens

ORIGIN = "https://spa.example"
FORGED = {"origin": ORIGIN, "access-control-request-method": "GET", "x-http-method-override": "DELETE"}


def auth(**access):
    config = configuration(access={"public": [], "rules": [], **access}, sources=["bearer", "cookie"])
    return Auth(config, clock=now)


def ask_asgi(application, headers):
    # Without the lifespan, which not every framework supports.
    answer = TestClient(application).options("/payroll/", headers=headers)
    return answer.status_code, dict(answer.headers), answer.content


def ask_wsgi(application, headers):
    fields = tuple((name, value.encode()) for name, value in headers.items())
    seen = call_wsgi(
        application, wsgi_environ(SentRequest("OPTIONS", "/payroll/", (("host", b"app.example"), *fields), "https"))
    )
    return seen.status, dict(seen.fields), seen.body


WORLDS = [pytest.param(ask_asgi, "asgi", make, id=f"asgi {name}") for name, make in ASGI.items()]
WORLDS += [pytest.param(ask_wsgi, "wsgi", make, id=f"wsgi {name}") for name, make in WSGI.items()]


@pytest.mark.parametrize(("ask", "world", "make"), WORLDS)
def test_a1_a_forged_preflight_calls_no_application(ask, world, make):
    """The preflight is answered like a request without a credential, though the application would serve it."""
    served = ServedMethods()
    guarded = getattr(auth(), world)(make(served))

    status, fields, body = ask(guarded, FORGED)

    assert 401 == status
    assert b'"code":"missing_credential"' in body.replace(b" ", b"")
    assert fields["www-authenticate"].startswith("Bearer realm=")
    assert [] == served
    bearer = {"authorization": f"Bearer {tokens()['alice']}"}
    status, _, body = ask(guarded, FORGED | bearer)
    assert (200, True, 1) == (status, BODY.encode() in body, len(served))


@pytest.mark.parametrize(("ask", "world", "make"), WORLDS)
def test_a1_a_preflight_passes_by_name(ask, world, make):
    """``access.preflights = "pass"`` lets it pass as anonymous, and only without a credential."""
    served = ServedMethods()
    guarded = getattr(auth(preflights="pass"), world)(make(served))

    status, _, _ = ask(guarded, FORGED)
    refused, _, _ = ask(guarded, FORGED | {"authorization": "Bearer a.b.c"})
    by_cookie, _, _ = ask(guarded, FORGED | {"cookie": "__Host-safeconduct=a.b.c"})
    no_preflight, _, _ = ask(guarded, {"origin": ORIGIN})

    assert (200, 1) == (status, len(served))
    assert (401, 401, 401) == (refused, by_cookie, no_preflight)


@pytest.mark.parametrize("kind", [Starlette, FastAPI])
def test_a1_cors_outside_answers_preflights_before_us(kind):
    """A CORS middleware that is added last is the outermost: it answers preflights, and pages can read refusals."""
    served = ServedMethods()

    async def view(request):
        return PlainTextResponse(served.answer(request.method))

    application = kind(routes=[Route("/payroll/", view, methods=["GET", "OPTIONS"])])
    application.add_middleware(AuthMiddleware, auth=auth())
    application.add_middleware(CORSMiddleware, allow_origins=[ORIGIN], allow_headers=["authorization"])

    status, fields, _ = ask_asgi(application, FORGED)
    refusal = TestClient(application).get("/payroll/", headers={"origin": ORIGIN})

    assert (200, ORIGIN) == (status, fields["access-control-allow-origin"])
    assert (401, ORIGIN) == (refusal.status_code, refusal.headers["access-control-allow-origin"])
    assert [] == served
