"""The reference page of the configuration matches the code."""

import subprocess
import sys
from dataclasses import fields

import pytest

from configuration_page import CONFIGURATION, meanings, page
from safeconduct.config import Config, Rule, StoreConfig, Trust
from safeconduct.config.sections import Section, field_types_of

CLASSES = [Config, Rule, StoreConfig, Trust] + [
    kind.cls for kind in field_types_of(Config).values() if isinstance(kind, Section) and kind.cls is not StoreConfig
]


def test_the_page_is_the_generated_one():
    """After a change: `python tests/support/written_pages.py`."""
    assert page() == CONFIGURATION.read_text("utf-8")


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_field_is_documented_in_its_place(cls):
    """The docstring describes every field, in order, and no other."""
    assert [field.name for field in fields(cls)] == list(meanings(cls))


def test_the_import_stays_cheap():
    """Modules that only errors or loading need are imported lazily."""
    code = "import sys, safeconduct.config; print(*sys.modules, sep='\\n')"

    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert {"safeconduct.config.loading", "tomllib"} & set(run.stdout.split()) == set()
