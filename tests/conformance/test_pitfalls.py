"""Each difference between servers and frameworks that could let a request through has a test, which is named here."""

import pytest

from named_tests import ROWS, functions_of

#: Each difference, and a test that fails where we do not defend against it: a function in a file, or rows of the table,
#: which run through every framework and every server, and in ``gate/test_both_paths.py`` through the fast path too.
PITFALLS = {
    "a mount keeps the whole path, or cuts it": (
        "adapters/test_root_paths.py", "test_a2_below_a_root_path_rules_meet_the_rest"),
    "a dispatcher of WSGI moves the prefix into SCRIPT_NAME": (
        "adapters/test_root_paths.py", "test_a2_a_dispatcher_cuts_whole_segments"),
    "uvicorn writes the root path before the path, others do not": (
        "web_servers/test_root_paths.py", "test_a_rule_below_a_prefix_holds"),
    "servers decode %2F, and keep dot segments": (
        "rows", "path-dot-segments", "path-encoded-slash", "path-encoded-dots", "path-empty-segment-inside"),
    "an empty segment is the value of a parameter": (
        "integrations/falcon/test_falcon.py", "test_no_rule_is_passed_by_an_empty_parameter"),
    "a page of ours begins what another site may not": (
        "pages/test_attacks.py", "test_no_page_of_ours_begins_what_another_site_may_not"),
    "a path reads in two ways": (
        "adapters/test_path_readings.py", "test_t8_it_is_refused_where_one_reading_asks_another_thing"),
    "strings of WSGI are latin-1": ("rows", "public-utf8", "utf8-subject", "navigation-utf8"),
    "granian empties a field of WSGI that is not ASCII": ("rows", "field-no-ascii", "cookie-beside-non-ascii"),
    "fields that come twice are separate in ASGI": ("rows", "twice-equal", "twice-different", "twice-empty"),
    "fields that come twice are joined in WSGI": ("rows", "twice-joined", "twice-joined-basic"),
    "cookies in two fields": ("rows", "cookie-fields", "cookie-fields-joined", "cookie-twice-in-fields"),
    "an underscore makes a field of WSGI that looks like another": (
        "adapters/test_underscore_fields.py", "test_c9_a_client_does_not_choose_its_network_by_an_underscore"),
    "a client names a user in a field": ("rows", "spoofed", "spoofed-anonymous", "spoofed-beside-token"),
    "a server says who is asking": ("rows", "server-said", "server-said-beside-foreign"),
    "granian gives the port of the client as text": (
        "adapters/test_unusual_servers.py", "test_the_port_of_the_client_may_be_text"),
    "daphne has no state": ("adapters/test_unusual_servers.py", "test_a_scope_may_lack_what_is_optional"),
    "a WebSocket is refused by a response, or by a close": (
        "web_servers/test_websockets.py", "test_a_refused_handshake_is_answered"),
    "a browser cannot set fields of a WebSocket": (
        "adapters/test_websockets.py", "test_a_token_among_the_subprotocols_goes_no_further"),
    "a foreign page opens a WebSocket with a cookie": (
        "web_servers/test_websockets.py", "test_a_foreign_page_is_refused"),
    "the lifespan is the application's": (
        "adapters/test_auth.py", "test_lifespan_ends_the_connections_of_the_loop"),
    "the lifespan may never run": (
        "adapters/test_unusual_servers.py", "test_an_application_whose_lifespan_never_ran_is_served"),
    "a context variable ends before a streamed body of WSGI": ("rows", "streamed", "streamed-by-cookie"),
    "a context variable that is not reset goes to the next request of the thread": (
        "adapters/test_isolation.py", "test_a_body_gives_the_identity_back_when_it_is_closed"),
    "a context variable is needed in background tasks": (
        "mixed_worlds/test_lifetimes.py", "test_a_background_task_has_the_identity_of_its_request"),
    "a file wrapper must stay the server's": (
        "gate/test_edge_cases.py", "test_a_file_arrives_at_the_server_as_it_is"),
    "CORS outside answers preflights, and pages read refusals": (
        "adapters/test_preflights.py", "test_a1_cors_outside_answers_preflights_before_us"),
    "a preflight can be forged": (
        "adapters/test_preflights.py", "test_a1_a_forged_preflight_calls_no_application"),
    "a credential expires in the middle of a stream": (
        "web_servers/test_long_lived.py", "test_streams_and_downloads"),
    "the body is read by somebody else than the application": (
        "adapters/test_unusual_servers.py", "test_the_body_is_the_applications"),
    "a body is endless, cut off, or has no length": (
        "rows", "life-login-too-long", "life-login-chunked", "life-logout-without-length"),
    "Starlette's own decorator wants a middleware of its own": (
        "adapters/test_unusual_servers.py", "test_starlettes_own_requires_works"),
    "an application writes into its scope": (
        "adapters/test_transparency.py", "test_t9_what_an_application_writes_into_its_scope_is_not_seen_around_us"),
    "a bridge between ASGI and WSGI passes no scope": (
        "adapters/test_nesting.py", "test_wsgi_inside_asgi_by_asgiref_is_as_safe"),
    "a framework takes an AuthError of a view for a fault": (
        "rows", "guard-sync-nobody", "guard-sync-scope", "guard-danger", "guard-head"),
}  # fmt: skip


@pytest.mark.parametrize("name", PITFALLS)
def test_each_difference_has_a_test(name):
    """One that was renamed or removed leaves a difference without a guard."""
    file, *wanted = PITFALLS[name]

    assert set() == set(wanted) - (ROWS if file == "rows" else functions_of(file))
