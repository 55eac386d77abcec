"""The applications of the request table, by the modules of their frameworks."""

from fastapi_table import fastapi_application
from flask_table import flask_application
from starlette_table import starlette_application

__all__ = ["fastapi_application", "flask_application", "starlette_application"]
