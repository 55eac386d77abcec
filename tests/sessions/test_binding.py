"""Bind a refresh token to the device or network that it was given to."""

from itertools import product

import pytest

from login_stack import HOME, StatelessLoginStack
from safeconduct import RequestOrigin
from safeconduct._core.sessions.binding import is_same_device
from safeconduct.errors import BindingMismatch
from safeconduct.events import BindingChanged

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{} Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:{0}) Gecko/20100101 Firefox/{0}"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS {} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{} "
    "Mobile/15E148 Safari/604.1"
)
ANDROID = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/{}; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/{} Mobile Safari/537.36 {}"
)
AWAY = {"network": "198.51.100.7", "device": FIREFOX.format("140.0")}
STACKS = ["stored", "stateless"]


@pytest.fixture(params=STACKS)
def bound(request, build):
    """Build a login stack with the binding of the test, with and without a store."""
    return build if request.param == "stored" else StatelessLoginStack


@pytest.mark.parametrize("binds", list(product(["off", "event", "refuse"], repeat=2)), ids="-".join)
@pytest.mark.parametrize("changed", [(), ("network",), ("device",), ("network", "device")], ids="-".join)
@pytest.mark.parametrize("verb", ["refresh", "step_up"])
def test_b6_each_is_bound_as_far_as_is_asked(bound, binds, changed, verb):
    stack = bound(bind_network=binds[0], bind_device=binds[1])
    home = {"network": HOME, "device": CHROME.format("140.0.0.0")}
    tokens = stack.sign_in(origin=RequestOrigin(**home))
    there = RequestOrigin(**home | {name: AWAY[name] for name in changed})
    bound_names = tuple(name for name, bind in zip(("network", "device"), binds, strict=True) if bind != "off")
    seen = tuple(name for name in bound_names if name in changed)
    is_refused = any(binds[("network", "device").index(name)] == "refuse" for name in seen)

    def use():
        if verb == "refresh":
            return stack.refresh(tokens, origin=there)
        return stack.step_up(tokens, refresh_token=tokens.refresh_token.value, origin=there)

    if is_refused:
        with pytest.raises(BindingMismatch):
            use()
    else:
        assert use()

    announced = [(event.changed, event.is_refused) for event in stack.events if isinstance(event, BindingChanged)]
    assert ([(seen, is_refused)] if seen else []) == announced


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (CHROME.format("139.0.0.0"), CHROME.format("140.0.7339.80")),
        (FIREFOX.format("99.0"), FIREFOX.format("142.0")),
        (SAFARI.format("17_6", "17.6"), SAFARI.format("18_0_1", "18.0.1")),
        (ANDROID.format("AP2A.240805.005", "128.0", ""), ANDROID.format("BP1A.250305.019", "134.0.6998.39", "")),
        ("curl/8.5.0", "curl/8.16.0"),
        ("phone", "phone"),
        ("", ""),
        # Cut at different positions, since the versions have different lengths.
        (
            RequestOrigin(device=ANDROID.format("A", "99.0", "App/1.0 Company/2 Model/" + "x" * 60)).label,
            RequestOrigin(device=ANDROID.format("A", "100.0.4444.55", "App/1.10.2 Company/2 Model/" + "x" * 60)).label,
        ),
        # Cut inside a comment.
        (
            RequestOrigin(device="App/1 (" + "a" * 300 + ")").label,
            RequestOrigin(device="App/2 (" + "b" * 300 + ")").label,
        ),
    ],
)
def test_b6_a_browser_that_was_updated_is_the_same(bound, before, after):
    stack = bound(bind_device="refuse")
    tokens = stack.sign_in(origin=RequestOrigin(device=before))

    assert stack.refresh(tokens, origin=RequestOrigin(device=after))
    assert is_same_device(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (CHROME.format("140.0.0.0"), CHROME.format("140.0.0.0") + " Edg/140.0.0.0"),
        (CHROME.format("140.0.0.0"), FIREFOX.format("140.0")),
        (CHROME.format("140.0.0.0"), SAFARI.format("18_0", "18.0")),
        (CHROME.format("140.0.0.0"), "curl/8.5.0"),
        (CHROME.format("140.0.0.0"), ""),
        ("phone", "laptop"),
        ("x" * 300, ""),
        ("App/1 Other/1 " + "x" * 300, "Thief/1 Other/1 " + "x" * 300),
    ],
)
def test_b6_another_browser_is_another_device(bound, before, after):
    stack = bound(bind_device="refuse")
    tokens = stack.sign_in(origin=RequestOrigin(device=before))

    with pytest.raises(BindingMismatch):
        stack.refresh(tokens, origin=RequestOrigin(device=after))


@pytest.mark.parametrize("stack", STACKS)
def test_b6_a_network_alone_can_be_bound(stack, build):
    """If only the network is bound, a browser update signs nobody out."""
    made = (build if stack == "stored" else StatelessLoginStack)(bind_network="refuse")
    tokens = made.sign_in(origin=RequestOrigin(network=HOME, device="one"))

    assert made.refresh(tokens, origin=RequestOrigin(network=HOME, device="other"))
    with pytest.raises(BindingMismatch):
        made.refresh(tokens, origin=RequestOrigin(network="198.51.100.7", device="one"))
