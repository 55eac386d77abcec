"""Each requirement of the package has a test; most tests of one are named after it."""

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
#: Each requirement, in words of our own, and a test that fails where it is not met.
REQUIREMENTS = {
    "T1": (
        "any number of servers, without a shared store",
        "endpoints/test_requirements.py",
        "test_t1_any_number_of_servers_serve_a_token_without_a_shared_store",
    ),
    "T2": (
        "signed with HMAC, RSA or ECDSA; encrypted if asked to",
        "endpoints/test_requirements.py",
        "test_t2_a_token_is_header_payload_and_signature",
    ),
    "T3": (
        "registered claims, and exp always matters",
        "tokens/test_claims.py",
        "test_a_required_claim_is_required",
    ),
    "T4": (
        "without a valid bearer token: 401 with a JSON body",
        "endpoints/test_seed_errors.py",
        "test_t4_a_request_without_a_credential_is_unauthorized",
    ),
    "T5": (
        "sessions kept by the server, by the same line",
        "endpoints/test_opaque.py",
        "test_the_store_keeps_nothing_that_is_a_token",
    ),
    "T6": (
        "it works without a database",
        "endpoints/test_without_store.py",
        "test_a_page_signs_in_and_out",
    ),
    "T7": (
        "what needs HTTPS is refused without it",
        "gate/test_basic_fast_path.py",
        "test_plain_http_is_refused",
    ),
    "C1": (
        "a token with a readable part, and an encrypted one",
        "tokens/test_issuer.py",
        "test_an_envelope_shows_only_the_public_claims",
    ),
    "C2": (
        "nothing about the user is readable",
        "tokens/test_issuer.py",
        "test_public_claims_hold_what_they_must_and_nothing_personal",
    ),
    "C3": (
        "an empty claim reads as a missing one",
        "tokens/test_claims.py",
        "test_c3_an_empty_claim_reads_as_a_missing_one",
    ),
    "C4": (
        "a client asks for what it may do, by links",
        "endpoints/test_links.py",
        "test_c4_every_link_that_is_shown_is_let_through",
    ),
    "L1": (
        "short-term is hours, long-term is weeks",
        "endpoints/test_requirements.py",
        "test_l1_short_term_is_hours_and_long_term_is_weeks",
    ),
    "L2": (
        "renewing is a call of its own",
        "endpoints/test_requirements.py",
        "test_l2_no_other_call_renews_by_the_way",
    ),
    "L3": (
        "who was away signs in again",
        "endpoints/test_requirements.py",
        "test_l3_a_user_who_was_away_signs_in_again",
    ),
    "L4": (
        "renewing is for the second half of a life",
        "endpoints/test_refresh.py",
        "test_renewing_waits_for_half_of_the_life_and_demotes",
    ),
    "L5": (
        "short-term becomes long-term by a wish only",
        "endpoints/test_remember_at_step_up.py",
        "test_l5_no_one_is_remembered_unasked",
    ),
    "L6": (
        "a renewal demotes",
        "sessions/test_model.py",
        "test_a_renewal_demotes",
    ),
    "L7": (
        "a wish for long-term carries the password",
        "endpoints/test_proof_to_extend.py",
        "test_l7_without_the_right_password_nothing_is_extended",
    ),
    "L8": (
        "a long-term token is worth a sign-in for a short life",
        "endpoints/test_requirements.py",
        "test_l8_a_refresh_token_stands_for_the_sign_in_for_a_short_life",
    ),
    "L9": (
        "a long-term token gets tokens and opens nothing",
        "endpoints/test_requirements.py",
        "test_l9_a_refresh_token_gets_tokens_and_opens_nothing",
    ),
    "L10": (
        "extending is for the second half of a life",
        "endpoints/test_refresh.py",
        "test_extending_waits_for_half_of_the_life",
    ),
    "R1": (
        "a refresh token is rotated, and revoked by hand",
        "adapters/test_session_verbs.py",
        "test_a_refresh_token_rotates",
    ),
    "R2": (
        "it can be tied to a network or a device",
        "endpoints/test_requirements.py",
        "test_r2_a_refresh_token_can_be_tied_to_its_device_and_network",
    ),
    "R3": (
        "one token is ended, by a denylist or an allowlist",
        "adapters/test_auth.py",
        "test_a_verb_ends_what_it_names",
    ),
    "R4": (
        "all tokens of a user end by an instant of their row",
        "endpoints/test_account_cut_offs.py",
        "test_r4_every_store_and_format_ends_an_access_token",
    ),
    "R5": (
        "keys change without throwing users out",
        "endpoints/test_requirements.py",
        "test_r5_a_new_key_throws_no_user_out",
    ),
    "B1": (
        "Basic is safe where it must be used",
        "gate/test_basic_fast_path.py",
        "test_plain_http_is_refused",
    ),
    "K1": (
        "no script reads a token of a page",
        "endpoints/test_requirements.py",
        "test_k1_no_script_can_read_a_token_of_a_page",
    ),
    "K2": (
        "with cookies comes protection against CSRF",
        "endpoints/test_requirements.py",
        "test_k2_a_page_of_ours_must_show_its_csrf_token",
    ),
    "S1": (
        "a service signs its own token",
        "services/test_with_our_servers.py",
        "test_s1_a_self_signed_service_is_let_in",
    ),
    "S2": (
        "one server authorises a step on another",
        "services/test_with_our_servers.py",
        "test_s2_a_service_acts_for_the_user",
    ),
    "A1": (
        "a name and a password get a token",
        "endpoints/test_requirements.py",
        "test_a1_a_name_and_a_password_get_a_token",
    ),
    "A2": (
        "401 for who, 403 for may not",
        "endpoints/test_requirements.py",
        "test_a2_who_is_401_and_may_not_is_403",
    ),
    "M1": (
        "any framework, wrapped by a line",
        "conformance/test_request_table.py",
        "test_row",
    ),
    "M2": (
        "Bearer, Basic and cookies; the store is asked",
        "gate/test_one_input.py",
        "test_all_credentials_are_recognized",
    ),
    "M3": (
        "tox runs the tests across frameworks",
        "architecture/test_project.py",
        "test_every_tested_interpreter_is_declared",
    ),
}
GROUPS = {"T": 7, "C": 4, "L": 10, "R": 5, "B": 1, "K": 2, "S": 2, "A": 2, "M": 3}


@cache
def functions_of(name):
    tree = ast.parse((TESTS / name).read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_each_requirement_has_a_test(name):
    """One that was renamed or removed leaves a requirement without a guard."""
    _, file, function = REQUIREMENTS[name]

    assert function in functions_of(file)


def test_no_requirement_is_left_out():
    assert [f"{group}{number}" for group, most in GROUPS.items() for number in range(1, most + 1)] == list(REQUIREMENTS)
