"""Read an identity under the names that frameworks use, for a principal and an anonymous caller."""

from safeconduct.principal import Anonymous, Principal


def test_b8_a_principal_is_known_by_one_name_and_called_by_another():
    alice = Principal(subject="s", issuer="i", scheme="bearer", expires_at=1, display_name="Alice", remote_user="alice")

    assert ("alice", "Alice", True) == (alice.identity, alice.display_name, alice.is_authenticated)


def test_an_anonymous_caller_has_no_name_and_no_right():
    anonymous = Anonymous()

    assert (None, None, None, False) == (
        anonymous.identity,
        anonymous.display_name,
        anonymous.remote_user,
        anonymous.is_authenticated,
    )
    assert frozenset() == anonymous.scopes == anonymous.roles
