"""Write the pages that refuse a person: a sentence and a link, or the form in which they prove their password again."""

from collections.abc import Callable, Mapping
from typing import Final

from safeconduct._core.csrf import MASK_BYTES, CsrfTokens
from safeconduct._core.event_dispatcher import report_failed_hook
from safeconduct._core.pages.settings import PageSettings, home_of
from safeconduct._core.session_store import ForeignSession
from safeconduct._http.html import PAGE_FIELDS, form, link, page, page_reply, paragraph, password_input
from safeconduct._http.origin import Origin
from safeconduct._http.paths import target_of
from safeconduct._http.problems import NO_STORE, ProblemPage, page_url
from safeconduct._http.request import Reply, Request
from safeconduct.errors import AuthError, CrossSiteRequest, StepUpRequired, TooManyAttempts, Unavailable
from safeconduct.events import Event

_TOO_MANY: Final = "too_many_attempts"
#: What the sign-in page says, by the query parameter ``error``; it says nothing for any other value.
_SIGN_IN_ERRORS: Final[Mapping[str, str]] = {
    "invalid_credentials": "The user name or the password is wrong.",
    _TOO_MANY: "There were too many failed attempts.",
    "unavailable": "Nobody can sign in at the moment. Try again later.",
}
#: The longest window of the throttle: we never ask to wait longer.
_LONGEST_WAIT_SECONDS: Final = 3600
#: A shorter wait is said in seconds.
_SHORTEST_IN_MINUTES_SECONDS: Final = 120
_MINUTE: Final = 60

#: The title and the sentence of a page, by the code of the error.  Other errors have those of their problem.
_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "missing_credential": ("Sign in", "You have to sign in to see this page."),
    "invalid_token": ("Sign in again", "Your sign-in has ended, or is not valid."),
    "insufficient_user_authentication": ("Sign in again", "This page needs a stronger or a more recent sign-in."),
    "insufficient_rights": ("Not permitted", "You may not do this."),
    # The page may be one from before the last sign-in, whose token belongs to another session.
    "cross_site_request": (
        "Not permitted",
        "This request did not come from a page of this site, or the page is out of date. Open the page again.",
    ),
    "invalid_request": ("Request not understood", "The request is malformed or ambiguous."),
    "unavailable": ("Temporarily unavailable", "This does not work at the moment. Try again later."),
}
#: Its session may go on in another process, so that nothing is said of its end.
_FOREIGN: Final = (
    "Temporarily unavailable",
    "This server does not know your sign-in. Sign in again, or try again later.",
)
_PROVE: Final = "Enter your password to continue."
_PROVE_AND_REPEAT: Final = (
    "Enter your password to continue. What you sent was not carried out: afterwards, send it again."
)
_UNAUTHORIZED: Final = 401
_READING: Final = frozenset({"GET", "HEAD"})


def sign_in_error(error: AuthError) -> str:
    """Return the value of ``error`` that tells a person about *error*."""
    match error:
        case TooManyAttempts():
            return _TOO_MANY
        case Unavailable():
            return "unavailable"
        case _:
            return "invalid_credentials"


def sign_in_text(error: str, wait_seconds: int | None) -> str | None:
    """
    Return what a page says about a refused sign-in; None if it says nothing.

    Args:
        error: What ``sign_in_error`` returned, or what the query of a page says.
        wait_seconds: In how many seconds the person may try again, if that is known.  Anyone can write the query of a
            link, so a time that we would never write counts as unknown.
    """
    text = _SIGN_IN_ERRORS.get(error)
    if text is None or error != _TOO_MANY:
        return text
    if wait_seconds is None or wait_seconds > _LONGEST_WAIT_SECONDS:
        return f"{text} Try again later."
    if wait_seconds <= 0:
        return f"{text} You can try again now."
    if wait_seconds < _SHORTEST_IN_MINUTES_SECONDS:
        return f"{text} Try again in {wait_seconds} second{'' if wait_seconds == 1 else 's'}."
    return f"{text} Try again in {-(-wait_seconds // _MINUTE)} minutes."


def refused_sign_in_text(error: AuthError) -> str:
    """Return what a page says about *error* of a sign-in."""
    seconds = error.retry_after_seconds if isinstance(error, TooManyAttempts) else None
    return sign_in_text(sign_in_error(error), seconds) or ""


class RefusalPages:
    """
    Write the pages of refusals.

    Args:
        settings: What the pages are made with.
        csrf: Makes the CSRF tokens of the form.
        draw: Returns so many random bytes.
        own_origin: The origin of our own pages.
        problem_page: Makes the page instead of the standard one.
        announce: Sends an event to the listeners.
    """

    def __init__(
        self,
        settings: PageSettings,
        csrf: CsrfTokens,
        *,
        draw: Callable[[int], bytes],
        own_origin: Origin | None,
        problem_page: ProblemPage | None,
        announce: Callable[[Event], None],
    ) -> None:
        self.settings = settings
        self._csrf = csrf
        self._draw = draw
        self._own_origin = own_origin
        self._problem_page = problem_page
        self._announce = announce

    def page(self, error: AuthError, request: Request) -> Reply:
        """Return the page for *error*, as a reply that still lacks the challenges and whatever else goes with it."""
        if isinstance(error, StepUpRequired):
            form_page = self._step_up(error, request)
            if form_page is not None:
                return form_page
        own = self._page_of_application(error)
        if own is not None:
            return own
        title, sentence = _TEXTS.get(error.code, (error.title, error.detail))
        if isinstance(error, TooManyAttempts):
            title, sentence = "Too many attempts", refused_sign_in_text(error)
        elif isinstance(error, ForeignSession):
            title, sentence = _FOREIGN
        body = page(title, paragraph(sentence) + self._way_on(error, request), site=self.settings.title)
        return page_reply(body, status=error.status)

    def step_up_form(self, error: AuthError, request: Request, *, target: str, csrf_token: str, text: str) -> Reply:
        """Return the form for a password that leads to *target*, with *text* about what happened."""
        values = {"next": target, "csrf_token": csrf_token}
        action = self.settings.endpoint("step-up", request)
        content = text + form(action, values, "Continue", inputs=password_input())
        return page_reply(page("Confirm that it is you", content, site=self.settings.title), status=error.status)

    def _step_up(self, error: StepUpRequired, request: Request) -> Reply | None:
        """Return the page with the form; None where the person has no session of ours, or no password."""
        principal = error.principal
        # Our directory does not know the password of a person who was handed over.
        if principal is None or "pi" in principal.claims or not self.settings.has_login:
            return None
        # Masked, since the query is a part of the page, which a proxy may compress.
        token = self._csrf.masked_token(principal, self._draw(MASK_BYTES))
        if token is None:
            return None
        is_reading = request.method in _READING
        return self.step_up_form(
            error,
            request,
            target=self._next_of(request) or home_of(request),
            csrf_token=token,
            text=paragraph(_PROVE if is_reading else _PROVE_AND_REPEAT),
        )

    def _way_on(self, error: AuthError, request: Request) -> str:
        """Return a link to the sign-in page, where that helps."""
        path = self.settings.sign_in_path(request)
        is_helpful = error.status == _UNAUTHORIZED and not isinstance(error, StepUpRequired)
        if path is None or not (is_helpful or isinstance(error, ForeignSession)):
            return ""
        return link(page_url(path, target=self._next_of(request)), "Sign in")

    def _next_of(self, request: Request) -> str | None:
        """Return where the person goes on afterwards: here, or on the page whose form cannot be sent again for them."""
        if request.method in _READING:
            return target_of(request.root_path + request.path, request.query)
        values = request.values(b"referer")
        if len(values) != 1 or self._own_origin is None:
            return None
        try:
            is_own = Origin.from_referer(values[0]) == self._own_origin
        except CrossSiteRequest:
            return None
        _, _, rest = values[0].decode("latin-1").partition("://")
        return rest[rest.index("/") :] if is_own and "/" in rest else None

    def _page_of_application(self, error: AuthError) -> Reply | None:
        if self._problem_page is None:
            return None
        try:
            body = self._problem_page(error).encode("utf-8", "replace")
        except Exception as fault:  # noqa: BLE001 - a hook of the application; the refusal must not depend on it
            report_failed_hook(self._announce, fault, hook="problem_page")
            return None
        return Reply(
            error.status,
            (
                (b"content-type", b"text/html; charset=utf-8"),
                (b"content-length", b"%d" % len(body)),
                NO_STORE,
                # What else the page may load is the application's to say.
                (b"content-security-policy", b"frame-ancestors 'none'; base-uri 'none'"),
                *PAGE_FIELDS,
            ),
            body,
        )
