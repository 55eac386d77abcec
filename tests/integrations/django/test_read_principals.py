"""Ninja: no operation is registered for which a request could make the principal."""

from dataclasses import dataclass

import pytest
from ninja import Body, Cookie, Form, Header, NinjaAPI, Query, Schema

from safeconduct import Identity, Principal


@dataclass
class Order:
    owner: Principal


READ = {
    "principal": Principal,
    "optional": Principal | None,
    "identity": Identity,
    "list": list[Principal],
    "dataclass": Order,
    **dict(enumerate(where[Principal] for where in (Body, Form, Query, Header, Cookie))),
}


@pytest.mark.parametrize("name", READ)
def test_a_request_cannot_bring_a_principal(name):
    def view(request, user):
        return request, user

    view.__annotations__["user"] = READ[name]
    with pytest.raises(TypeError, match=r"safeconduct\.principal"):
        NinjaAPI(urls_namespace=f"read {name}").post("/")(view)


def test_a_schema_holds_no_principal():
    with pytest.raises(TypeError, match=r"safeconduct\.principal"):

        class Owned(Schema):
            owner: Principal
