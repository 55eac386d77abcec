"""A missing framework is named with the command that installs it."""

import importlib.util
import sys

import pytest


@pytest.mark.parametrize("extra", ["starlette", "fastapi", "litestar"])
def test_the_error_names_the_extra(extra, monkeypatch):
    monkeypatch.setitem(sys.modules, "starlette.applications" if extra == "starlette" else extra, None)
    spec = importlib.util.find_spec(f"safeconduct.{extra}")

    with pytest.raises(ImportError, match=rf"pip install 'safeconduct\[{extra}\]'"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
