"""Drive the demo's page in Debian's Chromium; nothing is downloaded."""

import shutil
import tempfile
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from project_files import PROJECT

SCREENSHOTS = PROJECT / "build" / "screenshots"
#: Generous for a busy machine; it is only reached by failures.
PATIENCE_MS = 20_000
#: Animations keep a machine without a graphics card busy.
STILL = {"reduced_motion": "reduce"}

expect.set_options(timeout=PATIENCE_MS)


def chromium():
    """Find the browser, or skip."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is absent: apt-get install chromium")
    return found


class Browsers:
    """Simultaneous profiles of one Chromium, and profiles on disk that outlive it."""

    def __init__(self):
        self._path = chromium()
        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(executable_path=self._path)

    def profile(self, **how):
        """Return a fresh profile, which shares nothing with any other."""
        return self._known(self._chromium.new_context(**STILL, **how))

    def profile_in(self, folder):
        """Return the profile in *folder*, in its own Chromium, which closes with it."""
        launch = self._playwright.chromium.launch_persistent_context
        return self._known(launch(folder, executable_path=self._path, **STILL))

    def close(self):
        """Close the browser."""
        self._chromium.close()
        self._playwright.stop()

    def _known(self, profile):
        profile.set_default_timeout(PATIENCE_MS)
        return profile


class Tab:
    """One tab with the page; ``broken`` has the errors of its script and its policy."""

    def __init__(self, profile, site):
        self.page, self.site, self.broken = profile.new_page(), site, []
        self.page.on("pageerror", lambda error: self.broken.append(str(error)))
        self.page.on("console", self._hear)
        self.page.goto(f"{site.url}/")

    def __getattr__(self, name):
        """Return the element with that test id: ``tab.sign_in_button``."""
        if name.startswith("_"):
            raise AttributeError(name)
        return self.page.get_by_test_id(name.replace("_", "-"))

    @property
    def other_sessions(self):
        """Return the entries of the list for other devices."""
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
        """Renew the token by a click after half of its lifetime, which lowers the level to remembered."""
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
        """Send a request as a script on the page, and return all that the script can read."""
        return self.page.evaluate(_ASK, [method, path, json_body, headers])

    def wait_for_polls(self, count=2):
        """Wait until the page has polled the session *count* times."""
        for _ in range(count):
            with self.page.expect_response("**/auth/session"):
                pass

    def shoot(self, name, *, whole=True):
        """Save a screenshot, of the *whole* page or the visible part, atomically."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=SCREENSHOTS, suffix=".part", delete=False) as file:
            file.write(self.page.screenshot(full_page=whole, animations="disabled"))
        Path(file.name).replace(SCREENSHOTS / f"{name}.png")

    def _hear(self, message):
        # The console reports refusals too, which some tests cause on purpose.
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
