"""Litestar: no handler is registered for which a request could make the principal."""

from dataclasses import dataclass, field
from typing import Annotated, NamedTuple, TypedDict

import msgspec
import pytest
from litestar import Litestar, Request, get, post, websocket_listener
from litestar.datastructures import State
from litestar.di import Provide
from litestar.dto import DataclassDTO, DTOConfig, DTOData, MsgspecDTO, dto_field
from litestar.params import Body, Parameter, SkipValidation
from litestar.testing import TestClient

from auth_setups import SITE, auth_for
from safeconduct import Anonymous, Identity, Principal
from safeconduct.errors import ConfigurationError
from safeconduct.litestar import CurrentIdentity, CurrentPrincipal, SafeconductPlugin
from table_tokens import tokens

# The unmarked parameters that newer versions of Litestar warn of, and read.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

FORGED = {"subject": "eve", "issuer": "any", "scheme": "bearer", "expires_at": 9_999_999_999}


class Staff(Principal):
    """A principal of the application."""


@dataclass
class Order:
    number: int = 0
    owner: Principal | None = None


@dataclass
class Cart:
    orders: list[Order]
    #: A type that refers to itself.
    parent: "Cart | None" = None


@dataclass
class Stamped:
    number: int
    owner: Principal | None = field(default=None, metadata=dto_field("read-only"))


@dataclass
class Made:
    number: int
    #: msgspec reads it nevertheless.
    owner: Principal | None = field(init=False, default=None)


class Row(msgspec.Struct):
    owner: Principal | None = None
    number: int = 0


@dataclass
class Position:
    number: int
    #: A type that refers to itself, without a principal.
    next: "Position | None" = None


@dataclass
class Page:
    rows: dict[str, Row]


@dataclass
class Hidden:
    number: int
    _owner: Principal | None = None


class Pair(NamedTuple):
    owner: Principal
    number: int


class Table(TypedDict):
    rows: dict[str, Principal]


async def takes_nothing(who: str) -> None:
    """Take what a dependency provides."""


def site(*operations, **how):
    return Litestar(operations, plugins=[SafeconductPlugin(auth_for("open"))], openapi_config=None, **how)


def takes(annotation, **how):
    @post("/", **how)
    async def view(data: annotation) -> None: ...

    return view


READ = {
    "principal": Principal,
    "subclass": Staff,
    "identity": Identity,
    "optional": Principal | None,
    "list": list[Principal],
    "mapping": dict[str, Principal],
    "annotated": Annotated[Principal, Body(title="who")],
    "dataclass": Order,
    "nested": Cart,
    "no argument": Made,
    "struct": Row,
    "named tuple": Pair,
    "typed dict": Table,
}


@pytest.mark.parametrize("annotation", READ.values(), ids=READ)
def test_a_body_is_no_principal(annotation):
    with pytest.raises(ConfigurationError, match=r"'data' would be a principal.*CurrentPrincipal"):
        site(takes(annotation))


def test_what_the_check_refuses_is_what_a_request_would_make():
    """Without the plugin an application would let the caller choose who they are."""
    seen = []

    @post("/")
    async def view(data: Cart, cookies: Principal) -> None:
        seen.extend((data.orders[0].owner.subject, cookies.subject))

    cookies = "; ".join(f"{name}={value}" for name, value in FORGED.items())
    with TestClient(Litestar([view])) as client:
        client.post("/", json={"orders": [{"owner": FORGED}]}, headers={"cookie": cookies})

    assert ["eve", "eve"] == seen


def test_nothing_else_of_a_request_is_a_principal():
    @get("/query")
    async def by_query(who: Principal) -> None: ...

    @get("/named")
    async def by_name(user: Annotated[Identity | None, Parameter(query="who")] = None) -> None: ...

    @get("/header")
    async def by_headers(headers: Principal) -> None: ...

    @get("/cookie")
    async def by_cookies(cookies: Principal) -> None: ...

    @websocket_listener("/ws")
    async def by_message(data: list[Principal]) -> None: ...

    @websocket_listener("/ws/query")
    async def by_handshake(data: str, who: Principal) -> None: ...

    for handler in (by_query, by_name, by_headers, by_cookies, by_message, by_handshake):
        with pytest.raises(ConfigurationError, match="would be a principal"):
            site(handler)


UNCHECKED = {
    "another name": (CurrentPrincipal, None),
    "optional": (CurrentPrincipal | None, None),
    "identity": (CurrentIdentity, Anonymous()),
    "not validated": (SkipValidation[Principal], ...),
    "list": (list[SkipValidation[Principal]], ...),
}


def taking(annotation, default):
    async def view(user=default) -> str:
        return repr(user)

    view.__annotations__["user"] = annotation
    if default is ...:
        view.__defaults__ = None
    return view


@pytest.mark.parametrize(("annotation", "default"), UNCHECKED.values(), ids=UNCHECKED)
def test_the_dependency_under_another_name_is_not_read_from_the_query(annotation, default):
    """Litestar finds a dependency by the name of the parameter, and takes any text for what it does not validate."""
    view = taking(annotation, default)
    with TestClient(Litestar([get("/")(view)])) as client:
        assert "eve" in client.get("/", params={"user": "eve"}).text

    with pytest.raises(ConfigurationError, match="'user' would be a principal"):
        site(get("/")(taking(annotation, default)))
    with pytest.raises(ConfigurationError, match="'user' would be a principal"):
        site(get("/")(takes_nothing), dependencies={"who": Provide(taking(annotation, default))})


def test_a_socket_reads_no_dependency_under_another_name():
    @websocket_listener("/ws")
    async def listen(data: str, user: CurrentPrincipal | None = None) -> None: ...

    with pytest.raises(ConfigurationError, match="'user' would be a principal"):
        site(listen)


def test_a_dependency_of_the_application_may_have_any_name():
    view = taking(CurrentPrincipal | None, None)

    assert site(get("/")(view), dependencies={"user": Provide(lambda: None, sync_to_thread=False)})


def test_a_dependency_reads_no_principal_either():
    async def owner(data: Order) -> str:
        return data.owner.subject

    @post("/")
    async def view(owner: str) -> None: ...

    @get("/class", dependencies={"who": Provide(Staff, sync_to_thread=False)})
    async def by_class(who: Principal) -> None: ...

    with pytest.raises(ConfigurationError, match="'data'"):
        site(view, dependencies={"owner": Provide(owner)})
    with pytest.raises(ConfigurationError, match="'who'"):
        site(by_class)


def by_dto(dto, model, **config):
    return dto[Annotated[model, DTOConfig(**config)]]


TRANSFERRED = {
    "itself": (by_dto(DataclassDTO, Principal), Principal),
    "data": (by_dto(DataclassDTO, Principal), DTOData[Principal]),
    "field": (by_dto(DataclassDTO, Order), Order),
    "list": (by_dto(DataclassDTO, Order), list[Order]),
    "nested": (by_dto(DataclassDTO, Cart, max_nested_depth=2), Cart),
    "another exclusion": (by_dto(DataclassDTO, Order, exclude={"number", "owner.subject"}), Order),
    "inclusion": (by_dto(DataclassDTO, Order, include={"owner.subject"}), DTOData[Order]),
    "struct": (by_dto(MsgspecDTO, Row), Row),
    "struct in a dataclass": (by_dto(DataclassDTO, Page), Page),
}

SAFE = {
    "exclusion": (by_dto(DataclassDTO, Order, exclude={"owner"}), DTOData[Order]),
    "inclusion": (by_dto(DataclassDTO, Order, include={"number"}), DTOData[Order]),
    "exclusion in a list": (
        by_dto(DataclassDTO, Cart, exclude={"orders.0.owner", "parent"}, max_nested_depth=3),
        DTOData[Cart],
    ),
    "too deep": (by_dto(DataclassDTO, Cart, max_nested_depth=0), DTOData[Cart]),
    "mark": (by_dto(DataclassDTO, Stamped), Stamped),
    "private": (by_dto(DataclassDTO, Hidden), Hidden),
}


@pytest.mark.parametrize(("dto", "annotation"), TRANSFERRED.values(), ids=TRANSFERRED)
def test_a_dto_transfers_no_principal(dto, annotation):
    with pytest.raises(ConfigurationError, match="DTO that excludes the field"):
        site(takes(annotation, dto=dto))


@pytest.mark.parametrize(("dto", "annotation"), SAFE.values(), ids=SAFE)
def test_a_dto_without_the_field_is_served(dto, annotation):
    """And leaves out what the request sends for it."""
    seen = []

    @post("/", dto=dto)
    async def view(data: annotation) -> None:
        built = data if not isinstance(data, DTOData) else data.as_builtins()
        seen.append(repr(built))

    with TestClient(site(view)) as client:
        body = {"number": 7, "owner": FORGED, "_owner": FORGED, "orders": [{"owner": FORGED, "number": 7}]}
        assert 201 == client.post("/", json=body).status_code
    assert "eve" not in seen[0]


def test_what_is_read_from_no_request_is_served():
    @get("/")
    async def view(request: Request[Principal, None, State], current_principal: CurrentPrincipal) -> str:
        return request.user.subject[:1] + current_principal.subject[1:]

    async def found(current_principal: CurrentPrincipal) -> Order:
        return Order(owner=current_principal)

    @post("/made", dependencies={"order": Provide(found)})
    async def made(data: Position, order: Order) -> str:
        return f"{data.number} {order.owner.subject}"

    with TestClient(site(view, made), base_url=SITE) as client:
        headers = {"authorization": f"Bearer {tokens()['alice']}"}
        assert "alice" == client.get("/", headers=headers).text
        assert "7 alice" == client.post("/made", json={"number": 7}, headers=headers).text
