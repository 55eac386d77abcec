"""Steps between the routing of Django and the view: what is known only once it is clear which view is called."""

from typing import Any

from django.conf import settings
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

from safeconduct._http.paths import readings_of
from safeconduct.django.http import RequestState, answer_of_view, state_of
from safeconduct.errors import AuthError
from safeconduct.principal import Principal


def before_view(request: Any, view: Any, _args: Any, named: dict[str, Any]) -> HttpResponseBase | None:
    """Return the answer if the request ends here; this is the ``process_view`` of a middleware."""
    state = state_of(request)
    if state is None:
        return None
    if isinstance(state.passed.identity, Principal):
        # Django's cache of the whole site, which was asked before, tells callers apart by the cookie of Django's own
        # session, which ``request.user`` reads there and not here: it must store nothing that a principal gets.
        request._cache_update_cache = False  # noqa: SLF001 - what the cache looks at
    try:
        _compare_without_suffix(request, state, view, named)
    except AuthError as error:
        return answer_of_view(request, error, state)
    return None


async def before_view_awaited(*called: Any) -> HttpResponseBase | None:
    """Return the same behind ASGI, where Django would call a plain function in a thread."""
    return before_view(*called)


def _compare_without_suffix(request: Any, state: RequestState, view: Any, named: dict[str, Any]) -> None:
    """
    Refuse a path with a suffix of REST framework that has another requirement than the path without it.

    The default router serves ``/orders.json`` by the view of ``/orders/``.

    Raises:
        InvalidRequest: If the requirements differ.
    """
    if not hasattr(view, "cls"):
        # None of REST framework, nor of what is like it.
        return
    read, name = state.request, getattr(settings, "REST_FRAMEWORK", {}).get("FORMAT_SUFFIX_KWARG", "format")
    whole, suffix = read.path.rstrip("/"), named.get(name)
    without = whole.removesuffix(f".{suffix}")
    if suffix and without != whole:
        paths = [read.path, *(path for path in (without, f"{without}/") if _is_served(path, request))]
        readings = [each for path in paths for each in readings_of(path, None, read.root_path)]
        state.gate.policy.requirement_of_all(read.method, readings)


def _is_served(path: str, request: Any) -> bool:
    try:
        resolve(path, getattr(request, "urlconf", None))
    except Resolver404:
        return False
    return True
