"""
The application that the files of this folder deploy: pages of Flask, with a way to ask whether it is alive and ready.

The configuration is ``safeconduct.toml`` beside it; what differs between places comes from the environment.
"""

import logging
from pathlib import Path

from flask import Flask
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from safeconduct import Auth, Config, principal
from safeconduct.errors import Unavailable
from safeconduct.flask import Safeconduct
from safeconduct.prometheus import PrometheusMetrics

CONFIGURATION = Path(__file__).parent / "safeconduct.toml"


def create_app() -> Flask:
    logging.basicConfig(level=logging.INFO)
    app = Flask(__name__)
    auth = Auth(Config.load(CONFIGURATION), listeners=[PrometheusMetrics()])
    Safeconduct(auth).init_app(app)

    @app.get("/live")
    def live() -> tuple[str, int]:
        return "", 204

    @app.get("/ready")
    def ready() -> tuple[str, int]:
        try:
            auth.check_ready()
        except Unavailable as error:
            return error.reason, 503
        return "", 204

    @app.get("/metrics")
    def metrics() -> tuple[bytes, dict[str, str]]:
        # Each worker counts for itself, in files that this collector adds up.
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        return generate_latest(registry), {"Content-Type": "text/plain; version=0.0.4"}

    @app.get("/me")
    def me() -> dict[str, str]:
        return {"subject": principal().subject}

    return app
