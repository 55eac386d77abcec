"""Each problem that users of such packages report most has a test or a page that solves it, which is named here."""

import re

import pytest

from named_tests import ROWS, functions_of
from project_files import PROJECT

#: Each problem, and where it is solved: a function in a file below ``tests``, rows of the table, or a page of ``docs``
#: with the text that it must have.
PROBLEMS = {
    "authentication is optional, and the token has expired": [
        ("pages", "reference/access-rules.md", "on_invalid"),
        ("conformance/test_attack_corpora.py",),
        ("rows", "navigation-bad-cookie", "life-login-with-bad-token", "life-login-with-bad-cookie"),
    ],
    "a header and a cookie come together": [("rows", "header-beats-cookie", "header-post-beside-cookie")],
    "401, 403, 400 or 422, and the challenge": [
        ("integrations/fastapi/test_dependencies.py", "test_without_a_credential_the_answer_is_401_with_a_challenge"),
        ("conformance/test_challenges.py",),
    ],
    "the body of an error is one's own, and a framework swallows errors": [
        ("rows", "own-words"),
        (
            "integrations/flask/test_flask_errors.py",
            "test_an_extension_that_makes_a_fault_of_every_exception_does_not_see_a_refusal",
        ),
    ],
    "a preflight gets 401, and a page cannot read a refusal": [
        ("integrations/fastapi/test_dependencies.py", "test_cors_stays_outside"),
        ("integrations/starlette/test_starlette.py", "test_cors_stays_outside"),
    ],
    "proxies, a root path and the scheme": [
        ("web_servers/test_root_paths.py", "test_a_rule_below_a_prefix_holds"),
        ("deploy/test_served.py", "test_a_client_cannot_choose_its_address"),
    ],
    "some paths are left out": [
        ("access_rules/test_access_rules.py", "test_a3_a_public_entry_opens_exactly_what_it_names"),
    ],
    "CSRF is on, invisible, and not for tokens in a header": [
        ("integrations/django/test_csrf.py", "test_a_post_by_header_needs_no_token"),
        ("pages", "how-to/serve-server-rendered-pages.md", "fallback"),
    ],
    "WebSockets are authenticated, and outlive their token": [
        ("integrations/fastapi/test_dependencies.py", "test_a_websocket_is_refused_before_it_is_accepted"),
        ("connections/test_websocket.py", "test_a_socket_ends_with_its_token", "test_a_socket_ends_with_its_session"),
    ],
    "WSGI and ASGI in one process, and users that leak between requests": [
        ("mixed_worlds/test_interleaved_users.py", "test_many_users_in_tasks_and_threads"),
        ("adapters/test_nesting.py", "test_wsgi_inside_asgi_by_a2wsgi_is_proven_once"),
    ],
    "protected routes are tested": [
        ("testing/test_frameworks.py", "test_the_client_of_a_framework_sends_a_token"),
        ("integrations/fastapi/test_dependencies.py", "test_an_override_replaces_the_identity"),
        ("pages", "how-to/test-protected-routes.md", "signed_in"),
    ],
    "types, OpenAPI, and several kinds of users": [
        ("integrations/fastapi/test_openapi.py", "test_the_schemes_of_the_sources"),
        ("integrations/flask/test_flask_smorest.py", "test_each_operation_shows_what_it_requires"),
        ("adapters/test_nesting.py", "test_another_one_inside_proves_for_itself"),
    ],
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_each_problem_is_solved_somewhere(name):
    """One that was renamed or removed leaves a problem unsolved."""
    for place, *wanted in PROBLEMS[name]:
        if place == "pages":
            page, text = wanted
            assert re.search(rf"\b{text}\b", (PROJECT / "docs" / page).read_text("utf-8"))
        else:
            assert set() == set(wanted) - (ROWS if place == "rows" else functions_of(place))
            assert functions_of(place) if place != "rows" else wanted
