"""A missing library is named with the command that installs it."""

import importlib.util
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "library", "extra"),
    [("prometheus", "prometheus_client", "prometheus"), ("opentelemetry", "opentelemetry", "otel")],
)
def test_the_error_names_the_extra(module, library, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    spec = importlib.util.find_spec(f"safeconduct.{module}")

    with pytest.raises(ImportError, match=rf"^safeconduct\.{module} .* pip install 'safeconduct\[{extra}\]'"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
