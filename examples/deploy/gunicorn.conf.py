"""Settings of gunicorn; ``kill -HUP`` starts new workers with new code, and the old ones finish their requests."""

import os
from pathlib import Path

from prometheus_client import multiprocess

bind = os.environ.get("BIND", "0.0.0.0:8000")
workers = int(os.environ.get("WORKERS", "2"))
threads = 8
worker_class = "gthread"
# Longer than the slowest request; after it a worker is killed.
graceful_timeout = 30
# The only place that must be writable, besides the metrics: workers report there that they are alive.
worker_tmp_dir = "/dev/shm"  # noqa: S108 - in memory, and of this container alone
# The key and the password of the store are not inherited by anything that the application starts.
preload_app = False
# nginx sets the headers, and safeconduct reads them; gunicorn must not believe them on its own.
forwarded_allow_ips = ""


def on_starting(_server: object) -> None:
    Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).mkdir(parents=True, exist_ok=True)


def child_exit(_server: object, worker: object) -> None:
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[attr-defined]  # gunicorn has no types
