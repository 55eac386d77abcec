"""Names, files, tables and layers in the documents match the code."""

import dataclasses
import importlib
import inspect
import re
import sys
import tomllib

import pytest

import django_site  # noqa: F401 - importing it configures Django
import safeconduct
import written_pages
from document_blocks import PROJECT
from safeconduct import errors, events
from safeconduct._http.problems import answer
from safeconduct._tokens.issuer_policy import ACR

DOCS = PROJECT / "docs"
REWRITE = "run `python tests/support/written_pages.py`"
#: The arguments that make an error show everything that its challenge can have.
FULL = {
    errors.InsufficientRights: errors.InsufficientRights(["read"]),
    errors.StepUpRequired: errors.StepUpRequired("explicit", 300),
}


def rows(name, *, cells):
    """Return the rows of all tables of a page that have *count* cells."""
    lines = (DOCS / name).read_text("utf-8").splitlines()
    split = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [row for row in split if len(row) == cells]


def classes(module, parent):
    """Return the classes of *module* below *parent*."""
    found = [kind for _, kind in inspect.getmembers(module, inspect.isclass)]
    return [kind for kind in found if issubclass(kind, parent) and kind is not parent]


#: Modules whose names are imported from them, and not from the package.
READ_AS_MODULES = {
    name: importlib.import_module(name)
    for name in (
        "safeconduct.asgi",
        "safeconduct.audit",
        "safeconduct.authlib",
        "safeconduct.bottle",
        "safeconduct.django",
        "safeconduct.django.admin",
        "safeconduct.django.channels",
        "safeconduct.django.context_processors",
        "safeconduct.django.ninja",
        "safeconduct.django.rest_framework",
        "safeconduct.django.spectacular",
        "safeconduct.errors",
        "safeconduct.events",
        "safeconduct.falcon",
        "safeconduct.fastapi",
        "safeconduct.flask",
        "safeconduct.litestar",
        "safeconduct.opentelemetry",
        "safeconduct.prometheus",
        "safeconduct.pyramid",
        "safeconduct.quart",
        "safeconduct.service",
        "safeconduct.starlette",
        "safeconduct.stores",
        "safeconduct.testing",
        "safeconduct.testing.conformance",
        "safeconduct.wsgi",
    )
}
#: Public in its module, for the other modules of the package only.
INTERNAL = {"safeconduct.asgi.outer_of"}


def public_names():
    """Return every public name of the package and of the modules that are imported from."""
    names = {
        f"safeconduct.{name}"
        for name in safeconduct.__all__
        # An error may be imported from both; its entry is that of the module.
        if getattr(getattr(safeconduct, name), "__module__", None) not in READ_AS_MODULES
    }
    for name, module in READ_AS_MODULES.items():
        names |= {f"{name}.{each}" for each in defined_names(module)}
    return names - INTERNAL


def defined_names(module):
    """Return the public names of *module*: those that it lists, or the classes and functions that it defines."""
    return getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]


def documented_names():
    """Return every name that a page of the Python reference has a directive for."""
    names = set()
    for page in sorted((DOCS / "reference/python").glob("*.md")):
        text = page.read_text("utf-8")
        names |= set(re.findall(r"^\.\. (?:auto\w+|py:data):: (safeconduct[\w.]+)", text, re.MULTILINE))
    for name in names & READ_AS_MODULES.keys():
        names.remove(name)
        names |= {f"{name}.{each}" for each in defined_names(READ_AS_MODULES[name])}
    return names


def test_every_public_name_is_in_the_python_reference():
    """Every public name of every public module has an entry, and no entry names anything else."""
    assert public_names() == documented_names()


#: Pages for contributors, which are about the package's files.
OF_FILES = {"explanation/module-map.md", "explanation/how-a-request-flows.md"}
PAGES = sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))


@pytest.mark.parametrize("page", [page for page in PAGES if page not in OF_FILES and not page.startswith("design/")])
def test_g_a_page_for_users_imports_nothing_private(page):
    """Private names may change at any time."""
    found = re.findall(r"safeconduct\._\w+", (DOCS / page).read_text("utf-8"))

    assert [] == found


@pytest.mark.parametrize("page", [page for page in PAGES if not page.startswith(("design/", "explanation/"))])
def test_a_page_begins_with_what_to_install(page):
    """A reader who came from a search engine can run the page, with extras that exist."""
    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    lead = re.match(r"# .+\n\n(?:[^`#\n].*\n\n)?```sh\n(pip install .+)\n```\n", (DOCS / page).read_text("utf-8"))

    assert lead
    assert "safeconduct" in lead[1]
    assert set() == {extra for group in re.findall(r"\[(.+?)\]", lead[1]) for extra in group.split(",")} - extras.keys()


#: What can be imported after `pip install`, where it has another name or is more than one package.
PACKAGES_OF = {
    "safeconduct": {"safeconduct", "authlib", "cryptography", "joserfc", "redis"},
    "fastapi": {"fastapi", "starlette"},
    "flask": {"flask", "werkzeug"},
    "service": {"httpx2"},
    "otel": {"opentelemetry"},
    "prometheus": {"prometheus_client"},
    "pyjwt": {"jwt"},
    "djangorestframework": {"rest_framework"},
    "django-ninja": {"ninja"},
    "opentelemetry-sdk": {"opentelemetry"},
}


def packages_that_blocks_import(text):
    """Return the packages that the blocks of a page import, without those of the page and of Python."""
    blocks = re.findall(
        r"(?:<!-- (not run|file: .+?|append: .+?)(?:: .*?)? -->\n)?```python\n(.*?)```", text, re.DOTALL
    )
    code = "\n".join(block for mark, block in blocks if mark != "not run")
    modules = set(re.findall(r"^ *(?:from|import) ([\w.]+)", code, re.MULTILINE))
    files = {name.removesuffix(".py").split("/")[0] for name in re.findall(r"<!-- (?:file|append): (.+?) -->", text)}
    packages = {module.split(".")[0] for module in modules} - files - sys.stdlib_module_names
    # Starlette's client is of no use without it, and no package of ours or Starlette's depends on it.
    return packages | ({"httpx2"} if {"starlette.testclient", "fastapi.testclient"} & modules else set())


@pytest.mark.parametrize("page", [page for page in PAGES if not page.startswith(("design/", "explanation/"))])
def test_g_a_page_installs_what_its_blocks_import(page):
    """A reader with a new environment can run every block."""
    text = (DOCS / page).read_text("utf-8")
    installed = set(re.findall(r"[\w-]+", " ".join(re.findall(r"^pip install (.+)", text, re.MULTILINE))))

    importable = installed.union(*(PACKAGES_OF.get(name, set()) for name in installed))

    assert set() == packages_that_blocks_import(text) - importable


@pytest.mark.parametrize("page", PAGES)
def test_g_a_page_tells_what_is_and_promises_no_next_version(page):
    """Such a sentence would be outdated with the next version."""
    text = (DOCS / page).read_text("utf-8")

    found = re.findall(r"[^.\n]*(?:with the next version|later also|later those|no endpoint begins)[^.\n]*", text)

    assert [] == found


def test_every_module_is_on_the_map_and_no_other():
    """Every file is on the map, and every file of the map exists."""
    page = written_pages.MODULE_MAP.read_text("utf-8")

    on_map = set(re.findall(r"^\| `([\w/]+\.py)` \|", page, re.MULTILINE))

    assert written_pages.module_rows().keys() == on_map, REWRITE


def test_the_layers_on_the_map_are_those_that_are_checked():
    """The documented layers are those of import-linter."""
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    # Layers in parentheses may be absent; the map names them as planned.
    checked = [set(re.findall(r"\w+", re.sub(r"\((_remote)\)", "", layer))) for layer in layers]

    shown = [set(re.findall(r"`(\w+)`", row[0])) for row in rows("explanation/module-map.md", cells=2)]

    assert checked == [names for names in shown if names]


FLOW = (DOCS / "explanation/how-a-request-flows.md").read_text("utf-8")


@pytest.mark.parametrize(("file", "name"), re.findall(r"\| `([\w/]+\.py)` \| `([\w.]+)` \|", FLOW), ids=str)
def test_every_step_of_the_flow_is_where_the_page_says(file, name):
    """Every step names a function that exists in its file."""
    module = importlib.import_module("safeconduct." + file.removesuffix(".py").replace("/", "."))

    found = module
    for part in name.split("."):
        # Attributes of instances have no value in the class.
        found = getattr(found, part)

    assert callable(found)
    assert module.__name__ == found.__module__


@pytest.mark.parametrize("kind", classes(errors, errors.AuthError), ids=lambda kind: kind.__name__)
def test_every_error_is_in_the_table_of_answers(kind):
    """The table has the status, code, challenge and fields of every response."""
    reply = answer(
        FULL.get(kind) or kind(), realm="r", basic_offered=True, acr_values={level: acr for acr, level in ACR.items()}
    )
    challenges = [value.decode().partition(" ") for name, value in reply.fields if name == b"www-authenticate"]
    expected = [
        f"`{kind.__name__}`",
        str(reply.status),
        f"`{kind.code}`",
        f"`{kind.error}`" if kind.error else "",
        ", ".join(f"`{scheme} {', '.join(_parameters(rest))}`" for scheme, _, rest in challenges),
        ", ".join(f"`{name.decode()}`" for name, _ in reply.fields if name in {b"retry-after", b"allow"}),
    ]

    shown = [row for row in rows("reference/error-responses.md", cells=6) if row[0] == f"`{kind.__name__}`"]

    assert [expected] == shown


def _parameters(rest):
    return [name for name in re.findall(r'(\w+)="', rest) if name != "charset"]


def test_every_event_is_in_its_table():
    """The table has the fields and levels of every event."""
    words = {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}
    expected = {
        (kind.__name__, words[kind.log_level], frozenset(field.name for field in dataclasses.fields(kind)))
        for kind in classes(events, events.Event)
    }

    table = rows("reference/events.md", cells=4)

    assert expected == {
        (name.strip("`"), level, frozenset(re.findall(r"\w+", fields)))
        for name, level, fields, _ in table
        if name.startswith("`")
    }


def test_every_note_is_in_the_list_of_notes():
    """Every decision is listed."""
    notes = {file.name for file in (DOCS / "design").glob("[0-9]*.md")}

    listed = set(re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (DOCS / "design/README.md").read_text("utf-8")))

    assert notes == listed


#: What a framework serves without a line of the page.
SERVED_BY_ITSELF = {"/docs", "/openapi.json", "/static/{rest...}"}


@pytest.mark.parametrize("page", sorted((DOCS / "frameworks").glob("*.md")), ids=lambda page: page.stem)
def test_every_public_path_of_a_framework_page_has_a_route(page):
    """Those who copy the page open no path that it does not have."""
    text = page.read_text("utf-8")
    public = {path for each in re.findall(r"^public = \[(.*?)\]", text, re.MULTILINE) for path in each.split(", ")}

    missing = [path for path in public - {""} if path.strip('"') not in SERVED_BY_ITSELF and text.count(path) < 2]

    assert [] == missing
