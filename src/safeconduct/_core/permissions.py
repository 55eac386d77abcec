"""Tell callers what the access rules let them do, without a request for it: one question at a time, and as links."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from safeconduct._core.access_rules import Policy, sample_of
from safeconduct._core.csrf import CsrfTokens
from safeconduct._core.path_templates import LITERAL, REST, Template
from safeconduct._core.requirement import Requirement
from safeconduct._http.paths import readings_of_target
from safeconduct.config.access import Link
from safeconduct.errors import InvalidRequest
from safeconduct.principal import Anonymous, Identity, Principal

ShownLink = dict[str, str | bool]
"""A link as a client sees it: ``rel``, ``method``, ``href``, and ``templated`` where it has parameters."""

# What RFC 6570 §2.1 allows outside of an expression, without "%".
_LITERAL_CHARACTERS: Final = "/!$&()*+,;=:@"


class Permissions:
    """
    Ask the access rules of one ``Auth``, as the gate asks them for a request.

    It also identifies that ``Auth``, since every ``Passed`` leads to it.

    Args:
        policy: The access rules.
        csrf: Makes the CSRF tokens of callers.
    """

    __slots__ = ("csrf", "policy")

    def __init__(self, policy: Policy, csrf: CsrfTokens) -> None:
        self.policy = policy
        self.csrf = csrf

    def allow(self, identity: object, method: str, path: str, *, root_path: str, now: float) -> bool:
        """
        Say whether the rules let *identity* send a request; never for a path that the gate would answer 400.

        Args:
            identity: Who would send it.
            method: Its method.
            path: Its path as in a URL, percent-encoded; a query after it is not looked at.
            root_path: The decoded mount prefix; the path may begin with it.
            now: The current time, in seconds since the epoch.

        Raises:
            TypeError: If *identity* is neither a ``Principal`` nor an ``Anonymous``.
            ValueError: If *path* does not begin with a slash.
        """
        if not isinstance(identity, (Principal, Anonymous)):
            raise TypeError(f"identity: got {type(identity).__name__}, wanted a Principal or an Anonymous")
        if not path.startswith("/"):
            raise ValueError('path: got one without a slash at its beginning, wanted one such as "/payments/7"')
        try:
            requirement = self.policy.requirement_of_all(method, readings_of_target(path, root_path))
        except InvalidRequest:
            return False
        return requirement.is_met_by(identity, now=now)


@dataclass(frozen=True, slots=True)
class _Offer:
    """A link of the application, ready to be shown, and what a request for it must bring."""

    rel: str
    method: str
    path: str
    is_templated: bool
    requirement: Requirement = field(repr=False)


class OfferedLinks:
    """
    Show callers those links of the application that the access rules let them use.

    Args:
        links: What the application offers.
        policy: The access rules.
    """

    def __init__(self, links: Iterable[Link], policy: Policy) -> None:
        self._offers = tuple(_offer(link, policy) for link in links)

    def shown_to(self, identity: Identity, *, root_path: str, now: float) -> Iterator[ShownLink]:
        """Yield the links that *identity* may use at *now*, in the order of the configuration."""
        for offer in self._offers:
            if offer.requirement.is_met_by(identity, now=now):
                yield link_to(offer.path, offer.rel, offer.method, root_path, is_templated=offer.is_templated)


def link_to(path: str, rel: str, method: str, root_path: str, *, is_templated: bool = False) -> ShownLink:
    """Return a link to *path*, which is percent-encoded, below the decoded *root_path*."""
    link: ShownLink = {"rel": rel, "method": method, "href": quote(root_path, safe=_LITERAL_CHARACTERS) + path}
    return link | {"templated": True} if is_templated else link


def _offer(link: Link, policy: Policy) -> _Offer:
    segments = Template.parse(link.path).segments
    return _Offer(
        link.rel,
        link.method,
        "".join(f"/{_expression(kind, text)}" for kind, text in segments),
        any(kind != LITERAL for kind, _ in segments),
        # What holds for a value that no rule names.
        policy.requirement_of(link.method, sample_of(segments)),
    )


def _expression(kind: int, text: str) -> str:
    """Return a segment of a template in the syntax of RFC 6570, where ``{+rest}`` may expand to slashes."""
    if kind == LITERAL:
        return quote(text, safe=_LITERAL_CHARACTERS)
    return f"{{+{text}}}" if kind == REST else f"{{{text}}}"
