"""``manage.py check`` finds what is wrong with the settings; what opens a door is refused at the start too."""

import sys
from importlib.util import find_spec, module_from_spec
from types import ModuleType

import pytest
from django.contrib.admin import AdminSite as DjangoAdminSite
from django.contrib.admin import sites
from django.contrib.auth.middleware import PersistentRemoteUserMiddleware
from django.core.checks import run_checks
from django.test import override_settings

import safeconduct.django
from django_people import Project, configuration
from django_site import OF_A_PROJECT
from safeconduct import Auth
from safeconduct.django import DjangoDirectory, SafeconductMiddleware, get_auth
from safeconduct.django.checks import check_settings
from safeconduct.errors import ConfigurationError
from safeconduct.testing import throw_away_keys

OURS = OF_A_PROJECT[0]
SECURITY = "django.middleware.security.SecurityMiddleware"


class Persistent(PersistentRemoteUserMiddleware):
    """A subclass of a project's own."""


class Ours(SafeconductMiddleware):
    """A subclass of ours."""


def plain(get_response):
    """Do nothing, as a middleware that is a function."""
    return get_response


PLAIN, PERSISTENT, SUBCLASS = (f"{__name__}.{name}" for name in ("plain", "Persistent", "Ours"))


@pytest.mark.parametrize(
    ("middleware", "expected"),
    [
        pytest.param(OF_A_PROJECT, [], id="right"),
        pytest.param((SECURITY, "corsheaders.middleware.CorsMiddleware", OURS), [], id="may be before"),
        pytest.param((), ["safeconduct.E001"], id="missing"),
        pytest.param((PLAIN, OURS), ["safeconduct.W001"], id="before"),
        pytest.param(("django.middleware.cache.UpdateCacheMiddleware", OURS), ["safeconduct.E003"], id="cache"),
    ],
)
def test_the_order_of_the_middlewares(middleware, expected, monkeypatch):
    monkeypatch.setitem(sys.modules, "corsheaders", ModuleType("corsheaders"))
    cors = ModuleType("corsheaders.middleware")
    cors.CorsMiddleware = object
    monkeypatch.setitem(sys.modules, "corsheaders.middleware", cors)
    with Project(middleware=middleware):
        assert expected == [message.id for message in check_settings()]


@pytest.mark.parametrize(
    "other", ["django.contrib.auth.middleware.AuthenticationMiddleware", PERSISTENT], ids=["session", "remote user"]
)
def test_a_sign_in_of_django_s_own_is_refused(other):
    """By the check, and by the middleware itself: production servers run no checks."""
    with Project(middleware=(*OF_A_PROJECT, other)):
        assert ["safeconduct.E002"] == [message.id for message in check_settings()]
        with pytest.raises(ConfigurationError, match="beside"):
            SafeconductMiddleware(plain)


def test_a_subclass_of_ours_is_ours():
    with Project(middleware=(SUBCLASS, *OF_A_PROJECT[1:])):
        SafeconductMiddleware(plain)


@pytest.mark.parametrize(
    ("settings", "fields", "expected"),
    [
        pytest.param({"FORCE_SCRIPT_NAME": "/shop"}, {}, [], id="prefix"),
        pytest.param({"FORCE_SCRIPT_NAME": "/shop/"}, {}, ["E005"], id="prefix with a slash at its end"),
        pytest.param({"FORCE_SCRIPT_NAME": "shop"}, {}, ["E005"], id="prefix without a slash"),
        pytest.param({"SAFECONDUCT_CREATE_USERS": True}, {}, [], id="created by name"),
        pytest.param(
            {"SAFECONDUCT_CREATE_USERS": True, "SAFECONDUCT_USER_FIELD": "pk"}, {}, ["E006"], id="created by number"
        ),
        pytest.param({"SAFECONDUCT_USER_FIELD": "email"}, {}, ["E007"], id="not unique"),
        pytest.param({"SAFECONDUCT_USER_FIELD": "nickname"}, {}, ["E007"], id="no field"),
        pytest.param({"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")}, {}, ["W002"], id="proxy"),
        pytest.param(
            {"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")},
            {"proxies": {"trusted": ["10.0.0.0/8"]}},
            [],
            id="known proxy",
        ),
        pytest.param({}, {"csrf": {"token": "always"}}, ["W003"], id="forms"),
        pytest.param({"LOGIN_URL": "/accounts/login/"}, {}, ["W004"], id="login url"),
        pytest.param({"LOGIN_URL": "/in"}, {"access": {"sign_in_url": "/in"}}, [], id="own page"),
        pytest.param({"LOGIN_URL": "/else"}, {"sources": ["bearer"], "csrf": {}}, [], id="no cookies"),
    ],
)
def test_the_settings(settings, fields, expected):
    with Project(fields=fields, **settings):
        assert [f"safeconduct.{number}" for number in expected] == [message.id for message in check_settings()]


def test_the_admin_of_django_s_own_is_found(monkeypatch):
    with Project():
        monkeypatch.setattr(sites.site, "_wrapped", DjangoAdminSite())

        assert ["safeconduct.W005"] == [message.id for message in check_settings()]


def test_the_checks_are_registered():
    with Project(middleware=(*OF_A_PROJECT, "django.contrib.auth.middleware.AuthenticationMiddleware")):
        found = [message.id for message in run_checks(tags=["security"])]

    assert "safeconduct.E002" in found


def test_the_admin_accepts_our_middleware():
    """Its own checks want Django's, or a subclass."""
    with Project():
        assert [] == [message.id for message in run_checks() if message.id.startswith("admin.E")]


MAPPING = {"store": "memory://", "issuer": "https://a.example", "audience": "https://a.example"}


def made_auth(config):
    return Auth(config)


def test_the_auth_is_made_of_a_mapping_once(tmp_path):
    """Relative paths begin at ``BASE_DIR``; the directory is made of its name."""
    with override_settings(
        SAFECONDUCT=MAPPING | {"keys": throw_away_keys()},
        SAFECONDUCT_DIRECTORY="safeconduct.django.DjangoDirectory",
        BASE_DIR=tmp_path,
    ):
        auth = get_auth()

        assert auth is get_auth()
        assert MAPPING["issuer"] == auth.config.issuer
    assert auth is not override_and_get(SAFECONDUCT=configuration())


def override_and_get(**settings):
    with override_settings(**settings):
        return get_auth()


def test_the_auth_is_made_of_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("safeconduct.toml").write_text(
        '[safeconduct]\nstore = "memory://"\nsources = ["basic"]\n[safeconduct.basic]\nallow_plain_http = true\n'
    )

    assert ("basic",) == override_and_get(SAFECONDUCT_DIRECTORY=DjangoDirectory()).config.sources


def test_the_auth_is_made_by_a_function_of_the_project():
    config = configuration()

    assert config is override_and_get(SAFECONDUCT=config, SAFECONDUCT_AUTH=made_auth).config
    assert config is override_and_get(SAFECONDUCT=config, SAFECONDUCT_DIRECTORY=DjangoDirectory).config
    assert config is override_and_get(SAFECONDUCT=config, SAFECONDUCT_AUTH="safeconduct.auth.Auth").config


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"SAFECONDUCT": "safeconduct.toml"}, "SAFECONDUCT: got a value of type str"),
        ({"SAFECONDUCT": {"stoer": 1}}, "stoer"),
        ({"SAFECONDUCT_DIRECTORY": "nowhere.Directory"}, "SAFECONDUCT_DIRECTORY: got 'nowhere.Directory'"),
        ({"SAFECONDUCT_DIRECTORY": object()}, "directory: got"),
        ({"SAFECONDUCT_AUTH": "nowhere.auth"}, "SAFECONDUCT_AUTH: got 'nowhere.auth'"),
        ({"SAFECONDUCT_AUTH": lambda _config: {}}, "SAFECONDUCT_AUTH: got a value of type dict"),
        ({"SAFECONDUCT_AUTH": made_auth, "SAFECONDUCT_DIRECTORY": DjangoDirectory}, "only one of the two"),
    ],
    # Not the settings: the text of a function has its address, which differs between the workers of a run.
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_settings_are_found_at_the_start(settings, message):
    """By the check, with a hint, and by whatever asks for the ``Auth`` first."""
    usual = {"SAFECONDUCT": configuration(), "MIDDLEWARE": [OURS]}
    with override_settings(**usual | settings):
        with pytest.raises(ConfigurationError, match=message):
            get_auth()
        assert ["safeconduct.E004"] == [each.id for each in check_settings()]


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="Middleware"):
        safeconduct.django.Middleware  # noqa: B018 - the access is the test


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "django", None)
    spec = find_spec("safeconduct.django")

    with pytest.raises(ImportError, match=r"pip install 'safeconduct\[django\]'"):
        spec.loader.exec_module(module_from_spec(spec))
