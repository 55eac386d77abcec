"""Which clients get a token: those of the configuration and of the application, until they are revoked."""

import pytest

from login_site import LoginSite
from oauth_site import AUDIENCE, BILLING, SECRETS, OAuthClient, assertion, basic, clients
from safeconduct import Auth, Client, Config
from safeconduct.errors import ConfigurationError
from table_tokens import ISSUER, OWN_KEY

GRANTS = ["self_signed", "client_credentials", "introspection"]


def self_signed(**claims):
    """Sign an access token as the client ``signer``."""
    return assertion("signer", key=SECRETS["signer"], alg="HS256", **{"aud": AUDIENCE, **claims})


def use(site, token):
    """Send a request with an access token."""
    return site.request("GET", "/me", [("authorization", f"Bearer {token}")]).status


def introspect(client, token, *, by="nightly"):
    client.post("/auth/introspect", {"token": token}, headers=[basic(by, SECRETS[by])])
    return client.json


class TestRevokedClients:
    """``revoke client`` ends a client's tokens and the client itself, whose secret may be stolen."""

    @pytest.mark.parametrize("path", ["/auth/token", "/auth/introspect", "/auth/revoke"])
    def test_a_secret_does_not_count(self, site, client, path):
        site.auth.sessions.revoke_client("reports")
        fields = {"grant_type": "client_credentials", "token": "x"}

        assert 401 == client.post(path, fields, headers=[basic("reports", SECRETS["reports"])])

        assert "invalid_client" == client.json["error"]

    def test_an_assertion_does_not_count_whenever_it_was_signed(self, site, client):
        site.auth.sessions.revoke_client("robot")
        site.clock.advance(seconds=3600)

        assert 401 == client.token_by_assertion(assertion(now=int(site.clock())))

    def test_the_others_go_on(self, site, client):
        site.auth.sessions.revoke_client("reports")

        assert 200 == client.token("nightly")

    def test_a_cut_off_for_its_subject_ends_its_tokens_and_not_the_client(self, site, client):
        client.token()
        token = client.json["access_token"]
        site.auth.sessions.revoke_subject("client:reports")

        assert 401 == use(site, token)
        assert 200 == client.token()
        assert 200 == use(site, client.json["access_token"])

    def test_a_cut_off_for_everything_ends_its_tokens_and_not_the_client(self, site, client):
        client.token()
        token = client.json["access_token"]
        site.auth.sessions.revoke_everything()

        assert 401 == use(site, token)
        assert 200 == client.token()


class TestSelfSignedTokens:
    @pytest.fixture
    def client(self, make):
        return OAuthClient(make(changes={"signer": {"grants": GRANTS}}))

    def test_an_assertion_is_no_access_token(self, client):
        """Neither by its audience, nor by its type."""
        site = client.site

        assert 200 == use(site, self_signed())
        assert 401 == use(site, self_signed(aud=ISSUER))
        assert 401 == use(site, self_signed(header={"typ": "client-authentication+jwt"}))
        assert 401 == use(site, self_signed(aud=[AUDIENCE, "https://app.example/auth/token"]))
        assert 401 == use(site, assertion())

    def test_a_self_signed_token_is_described(self, client):
        answer = introspect(client, self_signed(scope="read"))

        described = (answer["active"], answer["sub"], answer["client_id"], answer["scope"])
        assert (True, "client:signer", "signer", "read") == described

    def test_its_client_ends_it(self, client):
        token = self_signed()

        assert 401 == client.post("/auth/revoke", {"token": token})
        assert 400 == client.post("/auth/revoke", {"token": token}, headers=[basic("reports", SECRETS["reports"])])
        assert 200 == use(client.site, token)
        assert 200 == client.post("/auth/revoke", {"token": token}, headers=[basic("signer", SECRETS["signer"])])

        assert 401 == use(client.site, token)
        assert {"active": False} == introspect(client, token)

    def test_a_revoked_clients_token_is_inactive(self, client):
        token = self_signed()
        client.site.auth.sessions.revoke_client("signer")

        assert {"active": False} == introspect(client, token)


class Registry:
    """An application's clients, in both worlds; a secret of None stands for a client that cannot be found now."""

    def __init__(self, **secrets):
        self.secrets = secrets

    def find(self, client_id):
        if client_id not in self.secrets:
            return None
        secret = self.secrets[client_id]
        if secret is None:
            raise OSError("the database is gone")
        return Client(client_id=client_id, secret=secret, scopes=["read"], grants=["client_credentials"])

    async def afind(self, client_id):
        return self.find(client_id)


class ApplicationSite(LoginSite):
    """A site whose clients are the application's."""

    def __init__(self, world, registry, **fields):
        super().__init__(world, **fields)
        self.auth.close()
        self.auth = Auth(
            self.auth.config, directory=self.directory, clock=self.clock, listeners=[self.events.append],
            clients=registry,
        )  # fmt: skip
        wrap = self.auth.asgi if world == "asgi" else self.auth.wsgi
        self.application = wrap(self.application.app)


class TestClientsOfTheApplication:
    @pytest.fixture
    def site(self, world):
        site = ApplicationSite(world, Registry(reports=SECRETS["reports"], broken=None))
        yield site
        site.close()

    def test_one_gets_a_token(self, site):
        client = OAuthClient(site)

        assert 200 == client.token()
        assert 200 == use(site, client.json["access_token"])
        assert 401 == client.token("nightly")

    def test_while_they_cannot_be_asked_nothing_is_decided(self, site):
        client = OAuthClient(site)

        assert 503 == client.token(headers=[basic("broken", "x" * 20)])
        assert "temporarily_unavailable" == client.json["error"]
        assert client.response.values("retry-after")

    def test_the_metadata_name_everything_that_a_client_may_do(self, site):
        client = OAuthClient(site)
        client.post("/.well-known/oauth-authorization-server", method="GET")

        assert {"client_secret_basic", "private_key_jwt"} <= set(client.json["token_endpoint_auth_methods_supported"])
        assert "HS512" in client.json["token_endpoint_auth_signing_alg_values_supported"]
        assert "introspection_endpoint" in client.json


@pytest.mark.parametrize(
    "fields",
    [{"tokens": {"format": "opaque"}}, {"sessions": {"require_session": True}}, {"store": "none"}],
    ids=["opaque", "require_session", "none"],
)
def test_a_token_of_a_client_counts_whatever_the_users_tokens_need(make, fields):
    """It has no session, is never opaque, and needs no store."""
    client = OAuthClient(make(**fields))

    assert 200 == client.token()
    assert 200 == use(client.site, client.json["access_token"])


def test_a_token_for_another_audience_is_readable_where_ours_are_encrypted(make):
    """No other server has the key."""
    sealing = {"kty": "oct", "k": "c2Fm" * 10 + "ZXM", "kid": "seal", "alg": "A256KW", "use": "enc"}
    sealing["k"] = "Vt5w0BnLrj3bTn0Zx2yE8oQd1mS7uKfHcIaPgG4R9XY"
    keys = {"keys": [OWN_KEY, {**sealing, "safeconduct_state": "active"}]}
    site = make(keys=keys, tokens={"format": "jwe"}, directory=(), sources=["bearer"])
    client = OAuthClient(site)

    client.token()
    ours = client.json["access_token"]
    client.token(audience=BILLING)

    assert (5, 3) == (len(ours.split(".")), len(client.json["access_token"].split(".")))
    assert 200 == use(site, ours)


class TestWithoutAKeyForTheThrottle:
    """Processes that share a store count under the same names."""

    def gate(self, world, entries=(), **arguments):
        keys = {"keys": [OWN_KEY]}
        config = Config(store="redis://127.0.0.1:1/0", issuer=ISSUER, audience=AUDIENCE, keys=keys, clients=entries)
        with Auth(config, **arguments) as auth:
            return auth.asgi_gate() if world == "asgi" else auth.wsgi_gate()

    def test_a_client_that_may_ask_needs_it(self, world):
        with pytest.raises(ConfigurationError, match="the throttle needs the safeconduct-secrets key"):
            self.gate(world, clients())

    def test_a_client_that_only_signs_does_not(self, world):
        entries = [entry for entry in clients() if entry["client_id"] == "signer"]

        for gate in (self.gate(world, entries), self.gate(world, clients=Registry())):
            assert {"/.well-known/jwks.json"} == {route.path for route in gate.endpoints.routes}
