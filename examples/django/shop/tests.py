"""The tests of the project: ``python manage.py test``."""

from django.contrib.auth.models import Group, User
from django.test import TestCase

from safeconduct.django import get_auth
from safeconduct.testing import signed_in

OWN_PAGE = {"Origin": "http://localhost:8000"}


class ShopTests(TestCase):
    """People and scripts in the shop."""

    def setUp(self) -> None:
        """Make a user."""
        user = User.objects.create_superuser("alice", password="correct horse")  # noqa: S106 - of a test
        user.groups.add(Group.objects.create(name="clerks"))

    def sign_in(self) -> None:
        """Sign in as a browser does."""
        body = {"username": "alice", "password": "correct horse", "cookies": True}
        answer = self.client.post("/auth/login", body, "application/json", secure=True, headers=OWN_PAGE)
        self.assertEqual(answer.status_code, 200)

    def test_everything_is_closed_but_the_front_page(self) -> None:
        """401 with a challenge."""
        self.assertEqual(self.client.get("/").content, b"Hello, guest")
        for target in ("/orders", "/profile", "/admin/"):
            self.assertEqual(self.client.get(target).status_code, 401)

    def test_a_person_leaves_by_the_admin(self) -> None:
        """And is signed out everywhere."""
        self.sign_in()
        self.assertEqual(self.client.get("/admin/", secure=True).status_code, 200)
        profile = self.client.get("/profile", secure=True).json()
        self.assertEqual(profile, {"name": "alice", "roles": ["clerks"]})

        self.client.post("/admin/logout/", secure=True, headers=OWN_PAGE)

        self.assertEqual(self.client.get("/profile", secure=True).status_code, 401)

    def test_a_form_of_our_own_page_counts_and_no_other(self) -> None:
        """By the origin of the page."""
        self.sign_in()
        for origin, status in (("http://localhost:8000", 200), ("https://evil.example", 403)):
            answer = self.client.post("/profile", {"first_name": "A"}, secure=True, headers={"Origin": origin})
            self.assertEqual(answer.status_code, status)

    def test_a_script_needs_its_scope(self) -> None:
        """And never enters the admin."""
        bare, full = signed_in(get_auth(), "alice"), signed_in(get_auth(), "alice", scopes=["orders"])
        self.assertEqual(self.client.get("/orders", headers=bare).status_code, 403)
        self.assertEqual(self.client.get("/orders", headers=full).json(), {"for": "alice"})
        self.assertEqual(self.client.post("/profile", {"first_name": "A"}, headers=bare).status_code, 200)
        self.assertEqual(self.client.get("/admin/", headers=full).status_code, 403)
