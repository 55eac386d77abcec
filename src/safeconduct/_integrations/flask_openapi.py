"""Describe the security of Flask's routes for apispec, and so for Flask-Smorest."""

from typing import Any

from apispec import APISpec, BasePlugin

from safeconduct._core.requirement import requirements_of
from safeconduct._integrations.openapi import SecurityDescription, total_requirement


class SecurityPlugin(BasePlugin):
    """
    Add the security schemes to a description, and to each operation what the access rules and ``requires`` ask.

    Args:
        description: Of the ``Auth`` that protects *app*.
        app: Where the views are looked up.
    """

    def __init__(self, description: SecurityDescription, app: Any) -> None:
        self._description = description
        self._app = app
        self._spec: APISpec

    def init_spec(self, spec: APISpec) -> None:
        """Add the security schemes."""
        self._spec = spec
        self._show_schemes()

    def operation_helper(self, path: str | None = None, operations: dict[str, Any] | None = None, **named: Any) -> None:
        """Add to each operation of *path* its security and its refusals."""
        rule = named.get("rule")
        view = None if rule is None else self._app.view_functions.get(rule.endpoint)
        cls = getattr(view, "view_class", None)
        for method, operation in (operations or {}).items():
            functions = (view, getattr(cls, "dispatch_request", None), getattr(cls, method, None))
            more = [each for function in functions for each in requirements_of(function)]
            requirement = total_requirement(self._description.requirement(method, path or "/"), more)
            if requirement.is_open:
                operation.setdefault("security", [])
                continue
            operation.setdefault("security", self._description.security(requirement))
            for status, response in self._description.responses().items():
                operation.setdefault("responses", {}).setdefault(status, response)
        self._show_schemes()

    def _show_schemes(self) -> None:
        # Again after each path: the scopes that operations ask are listed in the scheme.
        components: Any = self._spec.components
        components.security_schemes.update(self._description.schemes())
