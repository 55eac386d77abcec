"""Run one real server on an open socket: ``python launch_web_server.py KIND FD FACTORY``."""

import asyncio
import os
import socket
import sys
from importlib import import_module


def _made(factory):
    module, _, name = factory.partition(":")
    return getattr(import_module(module), name)()


def _gunicorn(worker, fd, factory):
    threads = os.environ.get("THREADS", "2") if worker == "gthread" else "1"
    words = ["-m", "gunicorn", "--worker-class", worker, "--threads", threads]
    words += ["--bind", f"fd://{fd}", "--log-level", "error", "--workers", os.environ.get("WORKERS", "1")]
    if "ROOT_PATH" in os.environ:
        os.environ["SCRIPT_NAME"] = os.environ["ROOT_PATH"]
        words += ["--root-path", os.environ["ROOT_PATH"]] if worker == "asgi" else []
    words += ["--preload"] if "PRELOAD" in os.environ else []
    os.execv(sys.executable, [sys.executable, *words, f"{factory}()"])  # noqa: S606 - it takes this process over


def _granian(listener, factory, interface):
    from granian import Granian  # noqa: PLC0415 - one server a process
    from granian._granian import SocketHolder  # noqa: PLC0415 - as above

    host, port = listener.getsockname()
    server = Granian(
        factory, address=host, port=port, interface=interface, factory=True, log_enabled=False,
        url_path_prefix=os.environ.get("ROOT_PATH"), workers=int(os.environ.get("WORKERS", "1")),
    )  # fmt: skip
    # It has no option for a socket that listens already, but its workers can be given one, as for a Unix socket.
    server._shd, server._sso = SocketHolder(listener.fileno(), False, 128), None  # noqa: FBT003 - no names
    server._init_shared_socket = lambda: None
    server.serve()


def _daphne(fd, factory):
    from daphne.server import Server  # noqa: PLC0415 - one server a process

    root_path = os.environ.get("ROOT_PATH", "")
    Server(_made(factory), endpoints=[f"fd:fileno={fd}"], verbosity=0, root_path=root_path).run()


def _uwsgi(fd, factory, *, has_threads):
    import pyuwsgi  # noqa: PLC0415 - one server a process

    words = ["--http-socket", f"fd://{fd}", "--module", f"{factory}()", "--master", "--need-app"]
    words += ["--processes", os.environ.get("WORKERS", "1"), "--disable-logging", "--die-on-term"]
    # As much as others take; its own is 4 KiB.
    words += ["--buffer-size", "32768"]
    words += ["--enable-threads", "--threads", "4"] if has_threads else []
    pyuwsgi.run(words)


def main(kind, fd, factory):
    """Serve until the process ends."""
    listener = socket.socket(fileno=int(fd))
    if kind == "uvicorn workers":
        import uvicorn  # noqa: PLC0415 - one server a process

        workers = int(os.environ["WORKERS"])
        uvicorn.run(factory, factory=True, fd=listener.detach(), workers=workers, log_level="error")
    elif kind in {"uvicorn", "uvicorn httptools"}:
        import uvicorn  # noqa: PLC0415 - one server a process

        root_path = os.environ.get("ROOT_PATH", "")
        http = "httptools" if kind == "uvicorn httptools" else "h11"
        config = uvicorn.Config(_made(factory), log_level="error", lifespan="on", root_path=root_path, http=http)
        uvicorn.Server(config).run(sockets=[listener])
    elif kind == "hypercorn":
        from hypercorn.asyncio import serve  # noqa: PLC0415 - one server a process
        from hypercorn.config import Config  # noqa: PLC0415 - one server a process

        config = Config()
        config.bind = [f"fd://{listener.detach()}"]
        config.loglevel = "ERROR"
        config.root_path = os.environ.get("ROOT_PATH", "")
        asyncio.run(serve(_made(factory), config))
    elif kind == "waitress":
        import waitress  # noqa: PLC0415 - one server a process

        prefix = os.environ.get("ROOT_PATH", "")
        waitress.serve(_made(factory), sockets=[listener], threads=2, url_prefix=prefix, _quiet=True)
    elif kind.startswith("granian"):
        _granian(listener, factory, kind.partition(" ")[2])
    elif kind == "daphne":
        _daphne(listener.detach(), factory)
    elif kind.startswith("uwsgi"):
        _uwsgi(listener.detach(), factory, has_threads=kind == "uwsgi threads")
    else:
        _gunicorn(kind.partition(" ")[2], listener.detach(), factory)


if __name__ == "__main__":
    main(*sys.argv[1:])
