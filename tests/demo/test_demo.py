"""The demo answers over HTTP as its instructions say, in both frameworks."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys

import httpx2
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from command_line import run, without_environment
from demo_servers import DemoProcess, run_demo
from store_servers import Server

FRAMEWORKS = ("starlette", "flask")


@pytest.fixture(scope="module", params=FRAMEWORKS)
def demo(request, tmp_path_factory):
    """Start a demo that all tests of one framework share."""
    served = DemoProcess("--framework", request.param, folder=tmp_path_factory.mktemp("demo"))
    yield served
    served.stop()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Return an empty working directory, without configuration in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    without_environment(monkeypatch)
    return tmp_path


def get(demo, path, who=None, **how):
    """Send a request to the demo as one of its users."""
    headers = {"Authorization": f"Bearer {demo.shown['tokens'][who]}"} if who else {}
    return httpx2.get(demo.url + path, headers=headers, **how)


def test_the_one_line_has_what_is_promised(demo):
    """The JSON output has URL, tokens and passwords, and nothing else."""
    assert ["url", "tokens", "passwords"] == list(demo.shown)
    assert demo.shown["tokens"].keys() == demo.shown["passwords"].keys() == {"alice", "root"}


@pytest.mark.parametrize(
    ("path", "who", "status"),
    [
        ("/", None, 200),
        ("/public", None, 200),
        ("/public", "alice", 200),
        ("/me", None, 401),
        ("/me", "alice", 200),
        ("/admin", None, 401),
        ("/admin", "alice", 403),
        ("/admin", "root", 200),
        ("/danger", None, 401),
        ("/danger", "alice", 200),
        ("/nothing", None, 401),
        ("/nothing", "alice", 404),
        ("/.well-known/jwks.json", None, 200),
    ],
)
def test_every_path_answers_as_its_rule_says(demo, path, who, status):
    """Paths that are not public are closed, also those that do not exist."""
    assert status == get(demo, path, who).status_code


def test_a_refusal_has_a_challenge(demo):
    """RFC 9110 §11.6.1; no error code without a credential (RFC 6750 §3.1)."""
    response = get(demo, "/me")

    assert response.headers["www-authenticate"].startswith(f'Bearer realm="{demo.url}"')
    assert "error=" not in response.headers["www-authenticate"]
    assert "missing_credential" == response.json()["code"]


def test_the_application_sees_the_identity(demo):
    """The demo shows the claims of the token."""
    assert {"subject": "alice", "roles": ["user"], "level": "explicit", "scheme": "bearer"} == get(
        demo, "/me", "alice"
    ).json()
    assert "guest" == get(demo, "/public").json()["hello"]


def test_a_password_is_a_credential_and_no_fresh_sign_in(demo):
    """Basic has the level remembered at most, because a client repeats it without the user."""
    right = ("alice", demo.shown["passwords"]["alice"])

    assert "basic" == get(demo, "/me", auth=right).json()["scheme"]
    assert 401 == get(demo, "/danger", auth=right).status_code
    assert 401 == get(demo, "/me", auth=("alice", "wrong horse")).status_code


def test_the_page_shows_no_secret(demo):
    """Any page on the machine could read a token there."""
    text = get(demo, "/").text

    assert "<title>safeconduct demo</title>" in text
    assert not any(token in text for token in (*demo.shown["tokens"].values(), *demo.shown["passwords"].values()))


def test_only_the_page_s_own_script_runs_in_it(demo):
    """Its nonce differs in every response, and the policy forbids everything else."""
    responses = [get(demo, "/") for _ in range(2)]

    nonces = [re.findall(r'nonce="([^"]+)"', response.text) for response in responses]
    policies = [response.headers["content-security-policy"] for response in responses]

    assert nonces[0] != nonces[1]
    for (style, script), policy in zip(nonces, policies, strict=True):
        assert style == script
        assert f"script-src 'nonce-{script}'; style-src 'nonce-{style}'" in policy
        assert policy.startswith("default-src 'none'; ")
        assert "frame-ancestors 'none'" in policy
    assert "no-store" == responses[0].headers["cache-control"]


def test_the_dangerous_action_is_done_by_post_too(demo):
    """The page signs out with a CSRF token; a token in a header needs none."""
    headers = {"Authorization": f"Bearer {demo.shown['tokens']['alice']}"}

    assert "alice" == httpx2.post(f"{demo.url}/danger", headers=headers).json()["done_by"]
    assert 401 == httpx2.post(f"{demo.url}/danger").status_code


def test_a_browser_that_signs_in_gets_cookies_alone(demo):
    """This holds for tokens in the body, and for the machine's other name."""
    output = {"username": "alice", "password": demo.shown["passwords"]["alice"], "remember": True}
    other_name = demo.url.replace("127.0.0.1", "localhost")

    signed_in = [
        httpx2.post(f"{demo.url}/auth/login", json=output, headers={"Origin": o}) for o in (demo.url, other_name)
    ]
    foreign = httpx2.post(f"{demo.url}/auth/login", json=output, headers={"Origin": "https://evil.example"})

    for response in signed_in:
        assert 200 == response.status_code
        assert not {"access_token", "refresh_token"} & response.json().keys()
        assert all("HttpOnly" in line for line in response.headers.get_list("set-cookie"))
    assert 403 == foreign.status_code


def test_a_socket_echoes_to_whom_it_knows(tmp_path):
    """The handshake is checked like a request."""
    demo = DemoProcess(folder=tmp_path)
    try:
        uri = demo.url.replace("http", "ws", 1) + "/ws"
        headers = {"Authorization": f"Bearer {demo.shown['tokens']['alice']}"}

        with pytest.raises(InvalidStatus) as refused:
            connect(uri)
        with connect(uri, additional_headers=headers) as sock:
            sock.send("hello")
            heard = sock.recv()
    finally:
        demo.stop()

    assert 401 == refused.value.response.status_code
    assert "alice: hello" == heard


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_in_order_and_leaves_nothing(tmp_path, framework, number):
    """The demo ends with status 0, without a traceback, and removes keys and passwords."""
    demo = DemoProcess("--framework", framework, folder=tmp_path)
    assert [] != list(tmp_path.iterdir())

    assert (0, "", "") == demo.stop(number)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_revocation_from_outside_is_seen_by_the_next_request(tmp_path, framework):
    """The command line is another process with the same real store."""
    valkey = Server("valkey")
    workspace = tmp_path / "workspace"
    demo = DemoProcess("--framework", framework, "--store", valkey.url, "--keep", workspace, folder=tmp_path)
    try:
        assert (200, 200) == (get(demo, "/me", "alice").status_code, get(demo, "/me", "root").status_code)

        ended = run("--config", workspace / "safeconduct.toml", "revoke", "subject", "alice")

        assert 0 == ended.code, ended.err
        assert (401, 200) == (get(demo, "/me", "alice").status_code, get(demo, "/me", "root").status_code)
    finally:
        demo.stop()
        valkey.stop()
    assert (workspace / "safeconduct.toml").exists()


def test_a_kept_workspace_is_used_again(folder):
    """The keys stay, and the passwords are new."""
    first, second = [], []

    for seen in (first, second):
        run_demo(
            "--json", "--keep", "workspace", drive=lambda output, seen=seen: seen.append(json.loads(output.readline()))
        )

    assert first[0]["passwords"] != second[0]["passwords"]
    assert 2 == len(list((folder / "workspace" / "keys").iterdir()))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_line_of_the_instructions_gets_the_status_that_it_shows(framework):
    """The printed commands can be copied into a shell."""
    if shutil.which("curl") is None:
        pytest.skip("no curl on PATH")
    shown, got = [], []

    def drive(output):
        lines = list(iter(output.readline, "  Ctrl+C stops the demo and removes its files.\n"))
        url = re.search(r"In a browser: (.*)/$", "".join(lines), re.MULTILINE)[1]
        assert url in lines[0]
        for name in ("alice", "root"):
            assert any(
                re.match(rf"  {name} +[\w-]{{16}}$", line) for line in lines[: lines.index("In another terminal:\n")]
            )
        variables = [line.strip() for line in lines if re.match(r"  \w+=", line)]
        for line in lines:
            if line.startswith("  curl -i"):
                command, _, comment = line.partition("#")
                shown.append(comment.split()[0])
                quiet = command.replace("curl -i", "curl -s -o /dev/null -w %{http_code}")
                script = "\n".join([*variables, quiet])
                got.append(
                    subprocess.run(["/bin/bash", "-c", script], capture_output=True, text=True, check=True).stdout
                )

    run_demo("--framework", framework, drive=drive)

    assert 8 == len(shown)
    assert shown == got


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_view_answers_in_this_process(framework):
    """The same test within this process, where coverage is measured."""

    def drive(output):
        shown = json.loads(output.readline())
        root = {"Authorization": f"Bearer {shown['tokens']['root']}"}
        statuses = [httpx2.get(shown["url"] + path, headers=root).status_code for path in PATHS]
        assert [200] * len(PATHS) == statuses
        if framework == "starlette":
            with connect(shown["url"].replace("http", "ws", 1) + "/ws", additional_headers=root) as sock:
                sock.send("hello")
                assert "root: hello" == sock.recv()
        make_and_end_a_key(shown["url"], root)

    run_demo("--json", "--framework", framework, drive=drive)


PATHS = ("/", "/public", "/me", "/admin", "/danger")


def test_a_port_that_is_taken_is_reported():
    """The command prints one sentence that says what to do."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        port = sock.getsockname()[1]

        ended = run("demo", "--port", port)

    assert 2 == ended.code
    assert f"Port {port} cannot be used: Address already in use; try --port 0." in ended.err


@pytest.mark.parametrize(
    ("store", "code", "reported"), [("nowhere", 2, "store.url"), ("redis://127.0.0.1:1/0", 1, "Unavailable")]
)
def test_a_store_that_cannot_be_had_is_reported(folder, store, code, reported):
    """The demo does not start, and leaves nothing behind."""
    ended = run("demo", "--port", 0, "--store", store)

    assert code == ended.code
    assert reported in ended.err
    assert [] == list(folder.iterdir())


def test_a_missing_extra_is_named(monkeypatch):
    """The command prints one sentence with the command that helps."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)

    ended = run("demo")

    assert 2 == ended.code
    assert 'The demo needs uvicorn: pip install "safeconduct[demo]"' in ended.err


def test_a_server_that_cannot_start_announces_nothing(monkeypatch):
    """The output comes only once the demo serves."""
    from safeconduct.cli.demo import starlette_app  # noqa: PLC0415 - needs the extra

    async def fail(self, _sockets=None):
        self.should_exit = True

    reported = []
    monkeypatch.setattr(starlette_app.uvicorn.Server, "startup", fail)
    server = starlette_app.AnnouncingServer(
        starlette_app.uvicorn.Config(lambda: None, lifespan="off"), lambda: reported.append(True)
    )

    server.run(sockets=[])

    assert [] == reported


def make_and_end_a_key(url, owner):
    """Make a key, find it in the list, and end it; requests without a name are refused."""
    made = httpx2.post(f"{url}/api-keys", headers=owner, json={"name": "hourly"}).json()
    for content in (b"[]", b'{"name": ""}'):
        assert 400 == httpx2.post(f"{url}/api-keys", headers=owner, content=content).status_code
    listed = httpx2.get(f"{url}/api-keys", headers=owner).json()["keys"]
    assert ["hourly"] == [each["name"] for each in listed]
    assert 204 == httpx2.delete(f"{url}/api-keys/{made['key_id']}", headers=owner).status_code
    assert 401 == httpx2.get(f"{url}/me", headers={"Authorization": f"Bearer {made['key']}"}).status_code


def test_api_keys_are_made_listed_and_revoked(demo):
    """A key makes no keys; a body without a name is refused."""
    alice = {"Authorization": f"Bearer {demo.shown['tokens']['alice']}"}
    made = httpx2.post(f"{demo.url}/api-keys", headers=alice, json={"name": "nightly"})
    assert (201, "no-store") == (made.status_code, made.headers["cache-control"])
    key = {"Authorization": f"Bearer {made.json()['key']}"}

    assert {"subject": "alice", "roles": ["user"], "level": "remembered", "scheme": "api_key"} == httpx2.get(
        f"{demo.url}/me", headers=key
    ).json()
    assert ["nightly"] == [each["name"] for each in httpx2.get(f"{demo.url}/api-keys", headers=alice).json()["keys"]]
    for headers in (key, {}):
        assert httpx2.post(f"{demo.url}/api-keys", headers=headers, json={"name": "x"}).status_code in {401, 403}
    for content in (b"", b"{}", b"[]", b'{"name": ""}', b'{"name": 5}'):
        assert 400 == httpx2.post(f"{demo.url}/api-keys", headers=alice, content=content).status_code
    href = f"{demo.url}/api-keys/{made.json()['key_id']}"
    assert [204, 204] == [httpx2.delete(href, headers=alice).status_code for _ in range(2)]
    assert 404 == httpx2.delete(f"{demo.url}/api-keys/none", headers=alice).status_code
    assert 401 == httpx2.get(f"{demo.url}/me", headers=key).status_code
