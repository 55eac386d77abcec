"""Drive the demo's page in Debian's Chromium; nothing is downloaded."""

import shutil
import tempfile
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from project_files import PROJECT

SCREENSHOTS = PROJECT / "build" / "screenshots"
#: For a machine that does a lot besides; where all is well nothing is waited for.
PATIENCE_MS = 20_000
#: A bar that glides keeps a machine without a graphics card busy.
STILL = {"reduced_motion": "reduce"}

expect.set_options(timeout=PATIENCE_MS)


def chromium():
    """Find the browser, or skip."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is absent: apt-get install chromium")
    return found


class Browsers:
    """Profiles of one Chromium that run at once, and profiles on the disk that outlive it."""

    def __init__(self):
        self._path = chromium()
        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(executable_path=self._path)

    def profile(self, **how):
        """Return a fresh profile, which shares nothing with any other."""
        return self._known(self._chromium.new_context(**STILL, **how))

    def profile_in(self, folder):
        """Return the profile that is kept in *folder*, in a Chromium of its own; closing it closes that browser."""
        launch = self._playwright.chromium.launch_persistent_context
        return self._known(launch(folder, executable_path=self._path, **STILL))

    def close(self):
        """Close what is open."""
        self._chromium.close()
        self._playwright.stop()

    def _known(self, profile):
        profile.set_default_timeout(PATIENCE_MS)
        return profile


class Tab:
    """One tab with the page in it; ``broken`` is what its script or its policy complained of."""

    def __init__(self, profile, site):
        self.page, self.site, self.broken = profile.new_page(), site, []
        self.page.on("pageerror", lambda error: self.broken.append(str(error)))
        self.page.on("console", self._hear)
        self.page.goto(f"{site.url}/")

    def __getattr__(self, name):
        """Return the part of the page that is called so: ``tab.sign_in_button``."""
        if name.startswith("_"):
            raise AttributeError(name)
        return self.page.get_by_test_id(name.replace("_", "-"))

    @property
    def other_sessions(self):
        """The entries of the list that are not this device's."""
        return self.page.locator('[data-testid="session"]:not([data-current])')

    def sign_in(self, name="alice", *, remember=False):
        """Fill in the form and send it."""
        self.username.fill(name)
        self.password.fill(self.site.passwords[name])
        self.remember.set_checked(remember)
        self.sign_in_button.click()
        expect(self.signed_in).to_be_visible()
        return self

    def demote(self):
        """Renew the token, as a click past half of its life does: from then on the session is only remembered."""
        self.site.clock.advance(seconds=31)
        expect(self.life_hint).to_contain_text("Half of it is over")
        self.try_me.click()
        expect(self.level).to_have_text("remembered")
        return self

    def prove(self, password):
        """Type a password into the dialog."""
        self.step_up_password.fill(password)
        self.step_up_submit.click()

    def ask(self, method, path, json_body=None, **headers):
        """Ask the server as any script on the page can, and return all that such a script learns."""
        return self.page.evaluate(_ASK, [method, path, json_body, headers])

    def wait_for_polls(self, count=2):
        """Let the page ask *count* times who is signed in."""
        for _ in range(count):
            with self.page.expect_response("**/auth/session"):
                pass

    def shoot(self, name, *, whole=True):
        """Keep a picture, of a dialog not the *whole* page; what runs at once does not write into one file."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=SCREENSHOTS, suffix=".part", delete=False) as file:
            file.write(self.page.screenshot(full_page=whole, animations="disabled"))
        Path(file.name).replace(SCREENSHOTS / f"{name}.png")

    def _hear(self, message):
        # A refusal is told on the console too, and is what some tests are about.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.broken.append(message.text)


_ASK = """async ([method, path, jsonBody, headers]) => {
  const body = jsonBody === null ? undefined : JSON.stringify(jsonBody);
  const kind = jsonBody === null ? {} : { "Content-Type": "application/json" };
  const answer = await fetch(path, { method, body, headers: { ...kind, ...headers } });
  const text = await answer.text();
  let json = null;
  try { json = JSON.parse(text); } catch { /* it is none */ }
  return { status: answer.status, fields: [...answer.headers], cookies: answer.headers.getSetCookie(), text, json };
}"""
