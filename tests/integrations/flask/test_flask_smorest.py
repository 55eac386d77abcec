"""Flask-Smorest's description shows the security schemes, and what each route requires."""

import pytest
from flask import Flask
from flask.views import MethodView

from auth_setups import SITE, auth_for
from memory_directory import MemoryDirectory
from safeconduct import Auth, Config, Rule, requires
from safeconduct.config import AccessConfig
from safeconduct.flask import Safeconduct
from safeconduct.testing import throw_away_keys

flask_smorest = pytest.importorskip("flask_smorest")


def described():
    """Return the description of an application with a route of each kind."""
    access = AccessConfig(
        public=["/health", "/mixed"], rules=[Rule(path="/pets/{id}", methods=["DELETE"], scopes=["pets"])]
    )
    config = Config(issuer=SITE, audience=SITE, keys=throw_away_keys(), store="memory://", access=access)
    app = Flask("pets")
    app.config.from_mapping(API_TITLE="Pets", API_VERSION="1", OPENAPI_VERSION="3.0.3", OPENAPI_URL_PREFIX="/health")
    extension = Safeconduct(Auth(config), app)
    api = flask_smorest.Api(app, spec_kwargs={"extra_plugins": [extension.apispec_plugin(app)]})
    pets = flask_smorest.Blueprint("pets", __name__)

    @pets.route("/pets/<int:id>")
    class Pet(MethodView):
        @pets.response(200)
        def get(self, id):  # noqa: A002 - the name in the path
            """Show one."""

        @pets.response(204)
        def delete(self, id):  # noqa: A002 - as above
            """Delete one."""

    @pets.route("/health")
    @pets.response(200)
    def health():
        """Be open."""

    @pets.route("/mixed")
    class Mixed(MethodView):
        @pets.response(200)
        def get(self):
            """Be open."""

        @pets.response(200)
        @requires(scopes=["write"])
        def post(self):
            """Be closed."""

    api.register_blueprint(pets)
    return api.spec.to_dict()


def test_each_operation_shows_what_it_requires():
    spec = described()
    paths = spec["paths"]

    assert [{"bearer": []}] == paths["/pets/{id}"]["get"]["security"]
    assert [{"bearer": ["pets"]}] == paths["/pets/{id}"]["delete"]["security"]
    assert ([], []) == (paths["/health"]["get"]["security"], paths["/mixed"]["get"]["security"])
    assert [{"bearer": ["write"]}] == paths["/mixed"]["post"]["security"]
    assert {"401", "403"} <= paths["/pets/{id}"]["get"]["responses"].keys()
    assert set() == {"401", "403"} & paths["/health"]["get"]["responses"].keys()


def test_the_schemes_are_those_of_the_sources_in_use():
    assert {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"} == described()["components"]["securitySchemes"][
        "bearer"
    ]
    assert {"basic", "bearer", "cookie"} <= Safeconduct(auth_for("main")).security_schemes().keys()


@pytest.mark.parametrize(("root", "place"), [("/", "/auth/login"), ("/shop", "/shop/auth/login")])
def test_the_place_of_the_sign_in_is_below_the_application_root(root, place):
    """A description is made once, so the prefix is the configured one and not that of a request."""
    from apispec import APISpec  # noqa: PLC0415 - installed with Flask-Smorest

    config = Config(issuer=SITE, audience=SITE, keys=throw_away_keys(), store="memory://")
    app = Flask("application")
    app.config["APPLICATION_ROOT"] = root
    extension = Safeconduct(Auth(config, directory=MemoryDirectory(alice="wonder")), app)

    spec = APISpec("T", "1", "3.0.3", plugins=[extension.apispec_plugin(app)])

    schemes = spec.to_dict()["components"]["securitySchemes"]
    assert place == schemes["password"]["flows"]["password"]["tokenUrl"]


def test_a_path_that_is_no_rule_of_flask_is_described_by_the_access_rules():
    """Apispec alone is given paths."""
    from apispec import APISpec  # noqa: PLC0415 - installed with Flask-Smorest

    app = Flask("application")
    extension = Safeconduct(auth_for("main"), app)
    spec = APISpec("T", "1", "3.0.3", plugins=[extension.apispec_plugin(app)])

    spec.path("/read", operations={"get": {}})
    spec.path("/own", operations={"get": {"security": [{"own": []}]}})
    spec.path("/empty")

    assert ["read"] in [
        scopes for each in spec.to_dict()["paths"]["/read"]["get"]["security"] for scopes in each.values()
    ]
