"""Describe ``SafeconductAuthentication`` in the documents of drf-spectacular."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from safeconduct._integrations.openapi import add_refusals, security_schemes
from safeconduct.django.project import get_auth

__all__ = ["describe_refusals"]


class SafeconductScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # without annotations
    """
    The security schemes of the sources in use, any of which is enough.

    The scopes of a view are its ``required_scopes``.  Importing this module registers it.
    """

    target_class = "safeconduct.django.rest_framework.SafeconductAuthentication"

    def __init__(self, target: Any) -> None:
        super().__init__(target)  # type: ignore[no-untyped-call]  # pyright: ignore[reportUnknownMemberType]
        self._schemes = security_schemes(get_auth().config)
        self.name = list(self._schemes)

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, Any]]:
        """Return the schemes."""
        del auto_schema
        return list(self._schemes.values())

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[Any]]]:
        """Return one requirement for each scheme: they are alternatives."""
        scopes = list(getattr(auto_schema.view, "required_scopes", None) or ())
        return [{name: scopes} for name in self.name]


def describe_refusals(result: dict[str, Any], generator: Any, request: Any, public: Any) -> dict[str, Any]:
    """
    Describe 401 and 403 for each operation that needs a credential: one of the ``POSTPROCESSING_HOOKS``.

    An operation that describes one of them itself keeps its own.
    """
    del generator, request, public
    config = get_auth().config
    add_refusals(result, config, security_schemes(config))
    return result
