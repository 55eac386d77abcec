"""Channels: who is asking below a router, and sockets that close when that changes."""

import asyncio
import json

import pytest
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.testing import WebsocketCommunicator
from django.urls import path

from django_people import VIEWS, Project, ask_asgi, new_user
from django_site import handler
from safeconduct.django import get_auth
from safeconduct.django.channels import UserMiddleware
from safeconduct.errors import ConfigurationError


class Consumer(AsyncJsonWebsocketConsumer):
    async def connect(self):
        await self.accept()
        await self.send_json({"user": str(self.scope["user"]), "subject": self.scope["safeconduct"].subject})


def router():
    return ProtocolTypeRouter(
        {"http": handler("asgi", VIEWS), "websocket": UserMiddleware(URLRouter([path("ws", Consumer.as_asgi())]))}
    )


@pytest.fixture
def project():
    with Project(
        VIEWS, fields={"access": {"default": "authenticated"}, "revocation": {"consistency": "strict"}}
    ) as made:
        yield made


def headers_of(project, subject):
    return [(name.lower().encode(), value.encode()) for name, value in project.token(subject).items()]


def test_a_consumer_sees_the_row(project):
    new_user()

    async def talk():
        socket = WebsocketCommunicator(get_auth().asgi(router()), "/ws", headers=headers_of(project, "alice"))
        socket.scope["scheme"] = "wss"
        await socket.connect()
        seen = await socket.receive_json_from()
        await socket.disconnect()
        return seen

    assert {"user": "alice", "subject": "alice"} == asyncio.run(talk())


@pytest.mark.usefixtures("project")
def test_nobody_gets_in():
    async def knock():
        socket = WebsocketCommunicator(get_auth().asgi(router()), "/ws")
        accepted, code = await socket.connect()
        return accepted, code

    accepted, _ = asyncio.run(knock())
    assert False is accepted


def test_a_socket_closes_when_its_user_is_revoked(project):
    """Within the interval in which open connections are checked; 4401."""

    async def talk():
        application = get_auth().asgi(router())
        socket = WebsocketCommunicator(application, "/ws", headers=headers_of(project, "alice"))
        socket.scope["scheme"] = "wss"
        await socket.connect()
        await socket.receive_json_from()
        await project.auth.async_sessions.revoke_subject("alice")
        project.clock.advance(seconds=5)
        return await socket.receive_output(timeout=20)

    closed = asyncio.run(talk())
    assert ("websocket.close", 4401) == (closed["type"], closed["code"])


def test_the_router_alone_lets_nobody_in(project):
    """A router without the gate around it is a mistake that must not pass."""

    async def knock():
        await WebsocketCommunicator(router(), "/ws", headers=headers_of(project, "alice")).connect()

    with pytest.raises(ConfigurationError, match="get_auth"):
        asyncio.run(knock())


def test_requests_are_verified_once(project):
    """The middleware inside of Django takes over what the gate around the router has found."""
    new_user()

    headers = [(name.decode(), value) for name, value in headers_of(project, "alice")]

    answer = asyncio.run(ask_asgi(get_auth().asgi(router()), "/named", headers=headers))

    assert {"user": "alice", "is_authenticated": True} == json.loads(answer.body)
