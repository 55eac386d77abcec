"""A key has what its owner has now; the directory is asked at most once in ``staleness_seconds``."""

from dataclasses import replace

import pytest

from api_key_site import people
from safeconduct import Account
from safeconduct.errors import Unavailable

STRICT = {"revocation": {"consistency": "strict"}}
TARGETS = ("/me", "/read", "/admin")


def statuses(site, key):
    return [site.get(key, target) for target in TARGETS]


@pytest.fixture(params=[{}, STRICT], ids=["bounded", "strict"])
def site(request, make):
    return make(**request.param)


def change(directory, **fields):
    directory.accounts["alice"] = replace(directory.accounts["alice"], **fields)


def test_the_owner_is_asked_once_in_a_second(site, directory, clock):
    """Whatever the consistency, and for all keys of the owner together."""
    keys = [site.create(), site.create()]
    asked = directory.lookups

    for _ in range(3):
        assert [200] * 6 == statuses(site, keys[0]) + statuses(site, keys[1])
    assert asked + 1 == directory.lookups

    clock.advance(seconds=1)
    assert [200] * 6 == statuses(site, keys[0]) + statuses(site, keys[1])
    assert asked + 2 == directory.lookups


def test_a_scope_or_a_role_that_the_owner_lost_is_lost(site, directory, clock):
    key = site.create()
    assert [200, 200, 200] == statuses(site, key)

    change(directory, scopes=["write"])
    clock.advance(seconds=1)
    assert [200, 403, 200] == statuses(site, key)
    change(directory, roles=["user"])
    clock.advance(seconds=1)
    assert [200, 403, 403] == statuses(site, key)
    change(directory, scopes=["read", "more"], roles=["admin", "root"])
    clock.advance(seconds=1)
    assert [200, 200, 200] == statuses(site, key)
    assert (frozenset({"read"}), frozenset({"admin"})) == (site.identity(key).scopes, site.identity(key).roles)


@pytest.mark.parametrize("end", ["disabled", "gone"])
def test_the_key_of_an_owner_who_is_disabled_or_gone_is_refused(site, directory, clock, end):
    key, account = site.create(), directory.accounts["alice"]
    assert 200 == site.get(key)

    if end == "gone":
        del directory.accounts["alice"]
    else:
        change(directory, disabled=True)
    clock.advance(seconds=1)
    asked = directory.lookups

    assert [401] * 3 == statuses(site, key)
    assert asked + 1 == directory.lookups
    assert "RevokedToken" == site.refused()
    directory.accounts["alice"] = account
    clock.advance(seconds=1)
    assert 200 == site.get(key)


def test_a_directory_that_fails_is_an_outage(site, directory, clock):
    """Neither a refusal nor a pass."""
    known, unknown = site.create(), site.create("bob")
    assert 200 == site.get(known)
    directory.lookup = fail
    assert 200 == site.get(known)

    clock.advance(seconds=1)

    assert [503, 503] == [site.get(known), site.get(unknown)]
    with pytest.raises(Unavailable):
        site.create()


def fail(subject):
    raise OSError(subject)


def test_a_static_directory_cannot_be_asked(make, clock):
    """Then a key has what it was made with."""
    site = make(directory=people(static=True))
    key = site.create(scopes=["read", "anything"])

    assert [200, 200, 200] == statuses(site, key)
    clock.advance(seconds=61)
    assert 200 == site.get(key)
    assert (frozenset({"read", "anything"}), 0) == (site.identity(key).scopes, site.directory.lookups)
    assert int(clock()) == site.auth.api_keys.list("alice")[0].last_used_at


def test_a_clock_that_is_set_back_prolongs_nothing(make, directory, clock):
    """Also for a key that is not the first one to be sent afterwards."""
    site = make()
    keys = [site.create(), site.create("bob"), site.create()]
    assert [200] * 3 == [site.get(key) for key in keys]
    change(directory, disabled=True)
    del directory.accounts["bob"]

    clock.advance(seconds=-2)

    assert [401] * 3 == [site.get(key) for key in keys]


def test_an_owner_is_found_again_among_many(make, directory):
    """The memory is bounded, and what leaves it is asked for again."""
    site = make()
    owners = site.auth._wsgi.api_keys.owners if site.world == "wsgi" else site.auth._asgi.api_keys.owners
    owners._half = 2
    names = [f"user-{number}" for number in range(8)]
    directory.accounts |= {name: Account(name) for name in names}
    keys = [site.create(name) for name in names]

    for key in keys:
        assert 200 == site.get(key)

    assert 4 >= len(owners._younger) + len(owners._older)
    site.get(keys[0].key + "x")
    assert 200 == site.get(keys[0])


def test_r4_a_key_ends_with_a_later_cut_off_of_its_owner(site, directory, clock):
    """And no other: one that is made after it counts."""
    key = site.create()
    assert 200 == site.get(key)
    clock.advance(seconds=60)

    change(directory, cut_off=clock() - 61)
    clock.advance(seconds=1)
    assert 200 == site.get(key)
    change(directory, cut_off=clock())
    clock.advance(seconds=1)
    assert (401, 200) == (site.get(key), site.get(site.create()))


def test_r4_with_cached_cut_offs_the_owner_of_a_key_is_not_asked_twice(make, directory):
    site = make(login={"cut_off": "cached"})
    key = site.create()
    asked = directory.lookups

    assert [200] * 3 == [site.get(key) for _ in range(3)]
    assert asked + 1 == directory.lookups
