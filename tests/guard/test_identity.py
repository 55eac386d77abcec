"""An identity under the words of the frameworks, for a principal and for a stranger."""

from safeconduct.principal import Anonymous, Principal


def test_a_principal_has_its_name_under_either_word():
    alice = Principal(subject="s", issuer="i", scheme="bearer", expires_at=1, display_name="alice")

    assert ("alice", "alice", True) == (alice.identity, alice.display_name, alice.is_authenticated)


def test_a_stranger_has_no_name_and_no_right():
    stranger = Anonymous()

    assert (None, None, False) == (stranger.identity, stranger.display_name, stranger.is_authenticated)
    assert frozenset() == stranger.scopes == stranger.roles
