"""Configure Sphinx, which builds the site from the Markdown pages and the docstrings."""

import builtins
import dataclasses
import re
from typing import Any

import django
from django.conf import settings
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

import safeconduct
import safeconduct.service
import safeconduct.stores
import safeconduct.testing
import safeconduct.testing.conformance

# The modules for Django are read from it while it is configured.
settings.configure(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"], SAFECONDUCT={})
django.setup()

project = "safeconduct"
author = "the safeconduct authors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = "safeconduct"
# The design notes are for contributors, who read them in the repository.
exclude_patterns = ["design"]

# A link to a heading is checked like a link to a page.
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
# A default is shown as it is written: `time.time`, and not `<built-in function time>`.
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
# The accepted values of a configuration field are on a page of their own.
napoleon_attr_annotations = False
# In docstrings `name` is code, as it is in the pages.
default_role = "literal"
python_maximum_signature_line_length = 88

nitpicky = True
# Their inventories would have to be downloaded, and the build works offline; every name of safeconduct is checked.
nitpick_ignore_regex = [
    ("py:.*", "|".join(name for name in dir(builtins) if not name.startswith("_"))),
    ("py:.*", r"(authlib|channels|collections\.abc|contextlib|django|falcon|fastapi|flask|httpx2|litestar|ninja)\..*"),
    ("py:.*", r"(opentelemetry|os|pathlib|prometheus_client|pyramid|pytest|quart|rest_framework)\..*"),
    ("py:.*", r"(starlette|types|typing|unittest)\..*"),
]
#: The protocol that a store implements is not a public name yet: authors of a store read the source.
STORE = "safeconduct._core.store.Store"
nitpick_ignore = [
    ("py:class", STORE),
    # Type variables have no page.
    ("py:class", "P"),
    ("py:class", "safeconduct.guard.R"),
    # What a check of the conformance suite sends and gets.
    ("py:class", "safeconduct.testing.conformance.in_process.AttackRequest"),
    ("py:class", "safeconduct.testing.conformance.in_process.AppResponse"),
    ("py:class", "safeconduct.testing.conformance.in_process.Socket"),
    # Optional parts of a store, for which there is no contract yet.
    ("py:class", "safeconduct._core.session_store.SessionStore"),
    ("py:class", "safeconduct._core.store.OpaqueTokenStore"),
    ("py:class", "safeconduct._core.api_keys.records.ApiKeyStore"),
    ("py:class", "safeconduct._core.revocation_query.View"),
    ("py:class", "safeconduct._core.revocation_query.BoundedView"),
]

#: Where a type is defined, and the public name that it is documented by.
PUBLIC = {
    f"{value.__module__}.{value.__qualname__}": f"{module.__name__}.{name}"
    for module in (
        safeconduct,
        safeconduct.service,
        safeconduct.stores,
        safeconduct.testing,
        safeconduct.testing.conformance,
    )
    for name in module.__all__
    if isinstance(value := getattr(module, name), type)
}
#: The dataclasses that users make; the others are configuration, which has a page of its own, or results.
CONSTRUCTED = {"safeconduct.Account", "safeconduct.RequestOrigin", "safeconduct.service.Options"}
#: Only an `Auth` makes these.
HANDED_OUT = {
    f"safeconduct.{prefix}{name}"
    for name in ("ApiKeys", "Cookies", "Passwords", "Sessions", "TokenFactory")
    for prefix in ("", "Async")
}


def resolve_public(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Link a type that a signature names by the private module that defines it to its public name."""
    target = PUBLIC.get(node["reftarget"])
    if target is None:
        return None
    return env.domains.python_domain.resolve_xref(env, node["refdoc"], app.builder, "obj", target, node, content)


def shorten_signature(
    app: Sphinx, what: str, name: str, obj: object, options: Any, signature: str | None, returns: str | None
) -> tuple[str, None] | None:
    """Leave out the arguments of a class that no user makes; warn of a name that no user may import."""
    if what == "class" and (name in HANDED_OUT or is_result(obj, name)):
        return "", None
    private = set(re.findall(r"safeconduct\._[\w.]+|(?<![\w.'\"])_\w+", f"{signature} {returns}")) - PUBLIC.keys()
    for each in private - {STORE}:
        logging.getLogger(__name__).warning("the signature of %s shows the private name %s", name, each)
    return None


def is_result(obj: object, name: str) -> bool:
    """Whether the class is a protocol, or a dataclass that is handed out."""
    return getattr(obj, "_is_protocol", False) or (dataclasses.is_dataclass(obj) and name not in CONSTRUCTED)


def keep_colons(app: Sphinx, what: str, name: str, obj: object, options: Any, lines: list[str]) -> None:
    """Keep napoleon from reading the words before a colon as the type of a property or an attribute."""
    if what in {"attribute", "property"}:
        # An empty comment: napoleon looks at the first line alone.
        lines[:0] = ["..", ""]


def setup(app: Sphinx) -> None:
    """Register what resolves and checks names."""
    app.connect("missing-reference", resolve_public)
    app.connect("autodoc-process-signature", shorten_signature)
    # Before napoleon, whose priority is 500.
    app.connect("autodoc-process-docstring", keep_colons, priority=400)
