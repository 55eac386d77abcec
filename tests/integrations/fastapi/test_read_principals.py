"""FastAPI: no view is registered for which a request could make the principal."""

from dataclasses import dataclass
from typing import Annotated

import pytest
from fastapi import Body, Cookie, Depends, FastAPI, Header, Query
from pydantic import BaseModel, ConfigDict, InstanceOf, SkipValidation
from starlette.testclient import TestClient

from safeconduct import Identity, Principal
from safeconduct.fastapi import Require


class Staff(Principal):
    """A principal of the application."""


@dataclass
class Order:
    owner: Principal


class Mailbox:
    def __init__(self, owner: Principal):
        self.owner = owner


def of_type(annotation):
    def view(user):
        return user

    view.__annotations__["user"] = annotation
    return view


READ = {
    "principal": Principal,
    "subclass": Staff,
    "optional": Principal | None,
    "identity": Identity,
    "list": list[Principal],
    "dataclass": Order,
    "unchecked": SkipValidation[Principal],
    "instance": InstanceOf[Principal],
    **{where.__name__: Annotated[Principal, where()] for where in (Body, Query, Header, Cookie, Require)},
}


@pytest.mark.parametrize("annotation", READ.values(), ids=READ)
def test_a_request_cannot_bring_a_principal(annotation):
    """A parameter without its dependency would be read from the body or the query: it is an error at once."""
    with pytest.raises(TypeError, match="CurrentPrincipal"):
        FastAPI().post("/")(of_type(annotation))


@pytest.mark.parametrize("dependency", [Principal, Staff, Order, Mailbox])
def test_a_dependency_makes_none_of_the_query(dependency):
    with pytest.raises(TypeError, match="CurrentPrincipal"):
        FastAPI().post("/")(of_type(Annotated[object, Depends(dependency)]))


def test_a_response_shows_no_principal():
    with pytest.raises(TypeError, match="CurrentPrincipal"):
        FastAPI().get("/", response_model=Principal)(lambda: None)


def test_a_model_holds_no_principal():
    """Neither where pydantic takes any class, nor where it makes the model when it is first asked."""
    with pytest.raises(TypeError, match="CurrentPrincipal"):

        class Owned(BaseModel):
            model_config = ConfigDict(arbitrary_types_allowed=True)
            owner: Principal

    class Deferred(BaseModel):
        model_config = ConfigDict(defer_build=True)
        owner: Principal

    app = FastAPI()

    @app.post("/")
    def view(order: Deferred):
        return order.owner.subject

    forged = {"subject": "eve", "issuer": "any", "scheme": "bearer", "expires_at": 9_999_999_999}
    with pytest.raises(TypeError, match="CurrentPrincipal"):
        TestClient(app).post("/", json={"owner": forged})
