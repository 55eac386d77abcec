"""Use the page by keyboard, with a screen reader, in dark mode and on a phone."""

import pytest
from playwright.sync_api import expect

#: Roles of controls and landmarks, each of which needs an accessible name.
ROLES = {"button", "textbox", "checkbox", "link", "progressbar", "dialog", "region", "heading", "list"}
#: WCAG 2.2 §1.4.3, for text of ordinary size.
LEAST_CONTRAST = 4.5


def test_a_keyboard_is_enough(site, tab):
    """A user can sign in, be remembered and sign out without a mouse."""
    press, write = tab.page.keyboard.press, tab.page.keyboard.type
    expect(tab.signed_out).to_be_visible()

    press("Tab")
    expect(tab.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    press("Tab")
    write("alice")
    press("Tab")
    write(site.passwords["alice"])
    press("Tab")
    press("Space")
    press("Tab")
    expect(tab.sign_in_button).to_be_focused()
    press("Enter")

    expect(tab.page.get_by_role("heading", name="Signed in as alice")).to_be_focused()
    expect(tab.status).to_contain_text("this browser remembers you")
    press("Tab")
    expect(tab.sign_out).to_be_focused()
    tab.shoot("keyboard")
    press("Enter")
    expect(tab.signed_out).to_be_visible()


def nameless(tab):
    """Return the roles of all elements without an accessible name, and all roles on the page."""
    session = tab.page.context.new_cdp_session(tab.page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    seen = [node for node in nodes if not node["ignored"] and node["role"]["value"] in ROLES]
    return [node["role"]["value"] for node in seen if not node["name"]["value"]], {n["role"]["value"] for n in seen}


def test_every_control_has_a_name(tab):
    """This holds in each state of the page."""
    expect(tab.signed_out).to_be_visible()
    assert ([], {"button", "textbox", "checkbox", "link", "region", "heading"}) == nameless(tab)

    tab.sign_in(remember=True)
    expect(tab.session).to_have_count(1)
    names, roles = nameless(tab)
    assert [] == [role for role in names if role != "list"]
    assert {"button", "progressbar", "region", "heading", "list"} <= roles

    tab.demote()
    tab.try_danger.click()
    expect(tab.step_up).to_be_visible()
    assert ([], {"button", "textbox", "dialog", "heading"}) == nameless(tab)


def test_what_happens_is_read_out(tab):
    """Live regions exist before they have anything to announce."""
    expect(tab.signed_out).to_be_visible()

    expect(tab.page.get_by_role("status")).to_have_count(1)
    expect(tab.status).to_have_attribute("aria-live", "polite")
    expect(tab.sign_in_error).to_have_attribute("role", "alert")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_has_enough_contrast(open_tab, scheme):
    """Contrasts suffice in light and in dark mode."""
    tab = open_tab(color_scheme=scheme).sign_in(remember=True)
    expect(tab.session).to_have_count(1)
    tab.shoot(f"signed-in-{scheme}")

    light = {name: brightness(tab.page.evaluate(_COLOUR, name)) for name in NAMES}

    assert (light["page"] < 0.1) == (scheme == "dark")
    dim = [
        (text, background) for text, background in PAIRS if contrast(light[text], light[background]) < LEAST_CONTRAST
    ]
    assert [] == dim


PAIRS = (
    *((text, background) for text in ("text", "quiet") for background in ("page", "card", "hover")),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("accent", "calm-background"),
    *((tone, f"{tone}-background") for tone in ("good", "warm", "bad")),
    *(("text", f"{tone}-background") for tone in ("good", "warm", "bad", "calm")),
    ("bad", "card"),
)
NAMES = sorted({name for pair in PAIRS for name in pair})
_COLOUR = """(name) => {
  const probe = document.createElement("i");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color.match(/[0-9.]+/g).slice(0, 3).map(Number);
  probe.remove();
  return found;
}"""


def brightness(colour):
    """Return the relative luminance of a colour (WCAG 2.2)."""
    parts = [part / 255 for part in colour]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """Return the contrast ratio of two luminances (WCAG 2.2)."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def test_a_telephone_is_wide_enough(open_tab):
    """The page never scrolls sideways."""
    tab = open_tab(viewport={"width": 320, "height": 640}).sign_in(remember=True)
    expect(tab.session).to_have_count(1)
    tab.shoot("narrow")

    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 320
