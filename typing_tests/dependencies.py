"""Dependencies and functions of the integrations give typed identities."""

from typing import Annotated, assert_type

from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.requests import Request

import safeconduct.litestar
import safeconduct.starlette
from safeconduct import Auth, Identity, Principal
from safeconduct.fastapi import CurrentIdentity, CurrentPrincipal, Require, install


def route(user: CurrentPrincipal, caller: CurrentIdentity) -> str:
    assert_type(user, Principal)
    assert_type(caller, Identity)
    return user.subject


def payment(user: Annotated[Principal, Depends(Require(scopes=["pay"], level="explicit"))]) -> str:
    return user.subject


def operation(
    current_principal: safeconduct.litestar.CurrentPrincipal, current_identity: safeconduct.litestar.CurrentIdentity
) -> None:
    assert_type(current_principal, Principal)
    assert_type(current_identity, Identity)


def view(request: Request) -> str:
    assert_type(safeconduct.starlette.identity(request), Identity)
    return safeconduct.starlette.principal(request).subject


def made(auth: Auth) -> tuple[FastAPI, Starlette]:
    api, app = FastAPI(), Starlette()
    install(api, auth)
    safeconduct.starlette.install(app, auth)
    return api, app


checks: list[safeconduct.litestar.Guard] = [safeconduct.litestar.requires_guard(scopes=["pay"])]
