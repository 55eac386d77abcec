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
    words += ["--preload"] if "PRELOAD" in os.environ else []
    os.execv(sys.executable, [sys.executable, *words, f"{factory}()"])  # noqa: S606 - it takes this process over


def _uwsgi(fd, factory, *, has_threads):
    import pyuwsgi  # noqa: PLC0415 - one server a process

    words = ["--http-socket", f"fd://{fd}", "--module", f"{factory}()", "--master", "--need-app"]
    words += ["--processes", os.environ.get("WORKERS", "1"), "--disable-logging", "--die-on-term"]
    words += ["--enable-threads", "--threads", "4"] if has_threads else []
    pyuwsgi.run(words)


def main(kind, fd, factory):
    """Serve until the process ends."""
    listener = socket.socket(fileno=int(fd))
    if kind == "uvicorn workers":
        import uvicorn  # noqa: PLC0415 - one server a process

        workers = int(os.environ["WORKERS"])
        uvicorn.run(factory, factory=True, fd=listener.detach(), workers=workers, log_level="error")
    elif kind == "uvicorn":
        import uvicorn  # noqa: PLC0415 - one server a process

        config = uvicorn.Config(_made(factory), log_level="error", lifespan="on")
        uvicorn.Server(config).run(sockets=[listener])
    elif kind == "hypercorn":
        from hypercorn.asyncio import serve  # noqa: PLC0415 - one server a process
        from hypercorn.config import Config  # noqa: PLC0415 - one server a process

        config = Config()
        config.bind = [f"fd://{listener.detach()}"]
        config.loglevel = "ERROR"
        asyncio.run(serve(_made(factory), config))
    elif kind == "waitress":
        import waitress  # noqa: PLC0415 - one server a process

        waitress.serve(_made(factory), sockets=[listener], threads=2, _quiet=True)
    elif kind.startswith("uwsgi"):
        _uwsgi(listener.detach(), factory, has_threads=kind == "uwsgi threads")
    else:
        _gunicorn(kind.partition(" ")[2], listener.detach(), factory)


if __name__ == "__main__":
    main(*sys.argv[1:])
