"""Hand a browser over from one server to another: the two applications of ``examples/hand_over``, in Chromium."""

import contextlib
import importlib.util
import re
import socket
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from demo_servers import serving_asgi, serving_wsgi
from project_files import PROJECT
from safeconduct import Config

FOLDER = PROJECT / "examples" / "hand_over"


def application(name):
    """Load one of the two applications."""
    spec = importlib.util.spec_from_file_location(f"hand_over_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_commands(folder):
    """Run the commands that the example names."""
    for line in re.findall(r"(?m)^    (.*safeconduct keys.*)$", (FOLDER / "shop.py").read_text()):
        command = line.replace("safeconduct keys", f"{sys.executable} -m safeconduct keys")
        subprocess.run(["/bin/bash", "-ec", command], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def servers(tmp_path):
    """Serve both on ports of their own, and return their origins."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(2)]
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
            sock.listen()
        shop, billing = (sock.getsockname()[1] for sock in sockets)
        for name in ("shop", "billing"):
            text = (FOLDER / f"{name}.toml").read_text()
            (tmp_path / f"{name}.toml").write_text(text.replace(":8001", f":{shop}").replace(":8002", f":{billing}"))
        run_commands(tmp_path)
        urls = f"http://127.0.0.1:{shop}", f"http://localhost:{billing}"
        config = [Config.load(tmp_path / f"{name}.toml") for name in ("shop", "billing")]
        stack.enter_context(serving_wsgi(application("shop").create_app(config[0], billing=urls[1]), sockets[0]))
        stack.enter_context(serving_asgi(application("billing").create_app(config[1]), sockets[1]))
        yield urls


@pytest.fixture
def open_page(browsers):
    """Open pages in one fresh profile, and fail on errors of a script or a policy."""
    profiles, broken = [], []

    def opened(**how):
        profiles.append(browsers.profile(**how))
        page = profiles[-1].new_page()
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.on("console", lambda message: broken.append(message.text) if "Policy" in message.text else None)
        return page

    yield opened
    for profile in profiles:
        profile.close()
    assert [] == broken


def sign_in(page, shop, name):
    """Sign in at the shop."""
    page.goto(shop)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill("open sesame")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#user")).to_have_text(name)


def test_a_browser_goes_from_one_server_to_the_other(servers, open_page):
    shop, billing = servers
    page = open_page()
    sign_in(page, shop, "alice")

    page.get_by_text("Pay invoice 7").click()

    page.wait_for_url(f"{billing}/invoices/7")
    expect(page.locator("#user")).to_have_text("shop:alice")


@pytest.mark.parametrize("policy", ["no-referrer", "same-origin"])
def test_the_form_brings_an_origin_whatever_the_page_says(servers, open_page, policy):
    """Under these policies a browser sends ``Origin: null``, which the second server would refuse."""
    shop, billing = servers
    page = open_page()
    sign_in(page, shop, "alice")

    def answer(route):
        response = route.fetch()
        route.fulfill(response=response, headers={**response.headers, "referrer-policy": policy})

    page.route("**/pay", answer)
    page.get_by_text("Pay invoice 7").click()

    page.wait_for_url(f"{billing}/invoices/7")


def test_without_scripts_there_are_buttons(servers, open_page):
    """The session comes from a profile with scripts, since the example's own sign-in has one."""
    shop, billing = servers
    page = open_page()
    sign_in(page, shop, "alice")
    plain = open_page(java_script_enabled=False, storage_state=page.context.storage_state())

    plain.goto(f"{shop}/pay")
    plain.get_by_role("button", name="Continue").click()
    plain.wait_for_url(f"{billing}/auth/accept")
    plain.get_by_role("button", name="Continue").click()

    plain.wait_for_url(f"{billing}/invoices/7")
    expect(plain.locator("#user")).to_have_text("shop:alice")


def test_another_person_is_asked(servers, open_page):
    """No script goes on, and a page that was left open is of no use."""
    shop, billing = servers
    page = open_page()
    sign_in(page, shop, "alice")
    page.get_by_text("Pay invoice 7").click()
    page.wait_for_url(f"{billing}/invoices/7")
    page.context.clear_cookies(domain="127.0.0.1")
    sign_in(page, shop, "bob")

    page.get_by_text("Pay invoice 7").click()
    page.wait_for_url(f"{billing}/auth/accept")
    expect(page.get_by_text(f"alice ({shop})")).to_be_visible()
    page.get_by_role("button", name="Continue as bob").click()

    page.wait_for_url(f"{billing}/invoices/7")
    expect(page.locator("#user")).to_have_text("shop:bob")
