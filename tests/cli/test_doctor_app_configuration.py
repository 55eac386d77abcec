"""Let the doctor check the configuration of the application itself, where no file has one."""

import sys

import pytest
from django.test import override_settings

import django_site  # noqa: F401 - configures Django for this process
from command_line import finding_texts, findings, run, write_configuration
from inspected_apps import IMPORTS, module_writer

#: Applications whose configuration is in the code.
IN_CODE = """
    from pathlib import Path
    from safeconduct.directories import CallableDirectory
    def made(**fields):
        site = "https://api.example.com"
        fields = {"store": "memory://", "issuer": site, "audience": site, "keys": "keys/", **fields}
        return Config.from_mapping(fields, base=Path.cwd())
    def with_directory(config): return Auth(config, directory=CallableDirectory(lambda name, password: None))
    app = starlette_app(middleware=False)
    nested = made(access={"public": ["GET /outermost"]}), made(access={"public": ["GET /innermost"]})
    app.add_middleware(AuthMiddleware, auth=Auth(nested[1]))
    both = Auth(nested[0]).asgi(app)
    twice = AuthMiddleware(AuthMiddleware(raw, (one := Auth(nested[0]))), one)
    same = AuthMiddleware(raw, auth=with_directory(made()))
    basic = AuthMiddleware(raw, auth=with_directory(made(sources=["basic"])))
    bare = starlette_app(middleware=False)
"""
DJANGO = """
    from django.core.handlers.wsgi import WSGIHandler
    from django.http import HttpResponse
    from django.urls import path
    urlpatterns = [path("public", lambda request: HttpResponse())]
    app = WSGIHandler()
"""


@pytest.fixture
def name(folder):
    """Return the module of applications with their configuration in the code, and make their keys only."""
    write = module_writer(folder)
    (folder / "safeconduct.toml").unlink()
    return write(IN_CODE)


def about_configuration(target):
    return [(verdict, text) for verdict, subject, text, _ in findings(target) if subject == "configuration"]


def test_without_a_file_the_configuration_of_the_application_is_checked(name):
    assert 0 == run("doctor", f"{name}:app").code
    expected = ("ok", "there is no file: it is that of the Auth around the application")
    assert [expected] == about_configuration(f"{name}:app") == about_configuration(f"{name}:twice")
    assert "public paths: GET /innermost" in finding_texts("ok", f"{name}:app")
    assert "keys: active: " in finding_texts("ok", f"{name}:app")


def test_of_two_the_outermost_is_checked(name):
    found = about_configuration(f"{name}:both")

    assert [("ok", "there is no file: it is that of the outermost of 2 Auth around the application")] == found
    assert "public paths: GET /outermost" in finding_texts("ok", f"{name}:both")


def test_what_is_wrong_with_the_configuration_of_the_application_fails(name, folder):
    for file in folder.glob("keys/safeconduct-secrets.json"):
        file.chmod(0o644)

    assert 1 == run("doctor", f"{name}:app").code
    assert "can be read or written by other users" in finding_texts("fail", f"{name}:app")


def test_a_directory_in_the_code_needs_no_users_file(name):
    """An ``Auth`` that is made from the configuration alone would have nobody to ask for passwords."""
    assert 0 == run("doctor", f"{name}:basic").code


def test_variables_without_a_file_are_the_configuration_of_an_application_that_reads_them(name, monkeypatch):
    """The application's counts, whatever the variables say."""
    monkeypatch.setenv("SAFECONDUCT_STORE", "none")

    assert [("ok", "there is no file: it is that of the Auth around the application")] == about_configuration(
        f"{name}:app"
    )


def test_without_a_middleware_and_a_file_there_is_no_configuration(name):
    [(verdict, text)] = about_configuration(f"{name}:bare")

    assert ("fail", True) == (verdict, text.startswith("There is no configuration"))


@pytest.mark.parametrize("is_named", [True, False])
def test_a_file_that_the_application_does_not_use_is_warned_of(name, folder, monkeypatch, is_named):
    """The file is checked all the same, by its usual name or where it is named."""
    write_configuration(folder, more='external_url = "https://file.example"\n[safeconduct.access]\npublic = ["/x"]')
    if is_named:
        (folder / "safeconduct.toml").rename(folder / "other.toml")
        monkeypatch.setenv("SAFECONDUCT_CONFIG", "other.toml")

    read, (verdict, text) = about_configuration(f"{name}:app")

    assert ("ok", "it can be read, and its fields agree") == read
    assert "warn" == verdict
    assert "the application uses another one than the file, with another value of external_url, access;" in text
    assert "external_url: https://file.example" in finding_texts("ok", f"{name}:app")
    assert 0 == run("doctor", f"{name}:app").code


def test_a_file_with_what_the_application_says_is_not_warned_of(name, folder):
    write_configuration(folder)

    assert [("ok", "it can be read, and its fields agree")] == about_configuration(f"{name}:same")


def test_the_settings_of_django_are_checked(folder):
    """A project needs no file, and nothing fails."""
    write = module_writer(folder)
    (folder / "safeconduct.toml").unlink()
    target, site = write(DJANGO) + ":app", "https://api.example.com"
    config = {"store": "memory://", "issuer": site, "audience": site, "keys": str(folder / "keys"),
              "sources": ["bearer", "basic"]}  # fmt: skip
    settings = {
        "ROOT_URLCONF": target.partition(":")[0], "MIDDLEWARE": ["safeconduct.django.SafeconductMiddleware"],
        "SAFECONDUCT": config, "SAFECONDUCT_DIRECTORY": "safeconduct.django.DjangoDirectory",
    }  # fmt: skip
    sys.path.insert(0, str(folder))
    try:
        with override_settings(**settings):
            ended, found = run("doctor", target), about_configuration(target)
    finally:
        sys.path.remove(str(folder))

    assert 0 == ended.code, ended.out
    assert [("ok", "there is no file: it is that of the Auth around the application")] == found


def test_the_epoch_of_the_store_of_the_application_is_adopted(name, server, folder):
    """``--adopt-epoch`` asks the store that is in the code."""
    (folder / "stored.py").write_text(
        IMPORTS + f"app = AuthMiddleware(raw, auth=Auth(Config(store={server.url!r}, issuer='https://x.example', "
        "audience='https://x.example', keys='keys/')))\n"
    )

    refused, adopted = run("doctor", f"{name}:app", "--adopt-epoch"), run("doctor", "stored:app", "--adopt-epoch")

    assert (2, True) == (refused.code, "--adopt-epoch needs a store that other processes see" in refused.err)
    assert "epoch" in adopted.out
