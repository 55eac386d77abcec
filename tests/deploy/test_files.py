"""The files of ``examples/deploy`` fit together, and to the application; no container is started."""

import ast
import json
import re
import tomllib
from ipaddress import ip_address, ip_network

import pytest
import yaml

from deployed_shop import FOLDER, compose, instruction, instructions, kubernetes, metric_names
from project_files import PROJECT
from safeconduct import Config, events
from safeconduct._integrations.measures import MEASURES
from safeconduct.testing import throw_away_keys

EXTRAS = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
APPLICATION = (FOLDER / "shop.py").read_text("utf-8")
GAUGES = {"safeconduct_store_available", "safeconduct_view_age_seconds"}
METRICS = {f"safeconduct_{measure.name}_total" for measure in MEASURES} | GAUGES


def environments():
    """Return the environment of the application in each place."""
    [container] = kubernetes()["containers"]
    pod = {each["name"]: each.get("value", "valkey://store:6379/0") for each in container["env"]}
    return {"compose": compose()["services"]["app"].get("environment", {}), "kubernetes": pod}


@pytest.mark.parametrize("place", sorted(environments()))
def test_the_environment_completes_the_configuration(place, tmp_path):
    """Every variable is a field, and nothing is missing."""
    (tmp_path / "keys").write_text(json.dumps(throw_away_keys()), "utf-8")
    (tmp_path / "safeconduct.toml").write_text((FOLDER / "safeconduct.toml").read_text("utf-8"), "utf-8")
    environment = environments()[place] | {"SAFECONDUCT_KEYS": str(tmp_path / "keys")}

    config = Config.load(tmp_path / "safeconduct.toml", environ=environment)

    assert "valkey" == config.store.url.partition(":")[0]
    assert config.external_url.startswith("https://")
    assert config.proxies.trusted


def test_the_image_copies_what_is_there_and_runs_as_nobody_special():
    """Not as root, and with the configuration of gunicorn that it copies."""
    *sources, _ = instruction("COPY").split()

    assert all((FOLDER / source).is_file() for source in sources)
    assert {"shop.py", "safeconduct.toml", "gunicorn.conf.py"} == set(sources)
    assert int(instruction("USER")) > 0
    assert ["--config", "gunicorn.conf.py"] == json.loads(instruction("CMD"))[1:3]
    assert [name for name, _ in instructions()].index("USER") > [name for name, _ in instructions()].index("COPY")


def test_the_image_installs_what_the_application_imports():
    """Each extra exists, and each module that is imported comes with one."""
    extras = re.search(r"safeconduct\[([\w,]+)\]", instruction("RUN"))[1].split(",")
    installed = {re.match(r"[\w-]+", line)[0].replace("-", "_") for extra in extras for line in EXTRAS[extra]}
    tree = ast.parse(APPLICATION)
    imported = {node.module.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {"flask", "prometheus_client"} <= imported
    assert imported <= installed | {"safeconduct", "pathlib"}
    assert "gunicorn" in instruction("RUN")


@pytest.mark.parametrize("file", ["compose.yml", "kubernetes.yml"])
def test_nothing_more_than_needed_is_allowed(file):
    """The file system is read-only, there are no capabilities, and no more rights are got."""
    if file == "compose.yml":
        service = compose()["services"]["app"]
        assert (True, ["ALL"]) == (service["read_only"], service["cap_drop"])
        assert ["no-new-privileges:true"] == service["security_opt"]
        return
    pod = kubernetes()
    rights = pod["containers"][0]["securityContext"]
    assert rights["readOnlyRootFilesystem"]
    assert not rights["allowPrivilegeEscalation"]
    assert ["ALL"] == rights["capabilities"]["drop"]
    assert int(instruction("USER")) == pod["securityContext"]["runAsUser"]
    assert pod["automountServiceAccountToken"] is False


def test_the_services_refer_to_each_other():
    """Networks, volumes and secrets exist, and nobody outside reaches the store."""
    found = compose()
    for name, service in found["services"].items():
        secrets = [each if isinstance(each, str) else each["source"] for each in service.get("secrets", [])]
        assert set(secrets) <= found["secrets"].keys(), name
        assert set(service["networks"]) <= found["networks"].keys()
        assert set(service.get("depends_on", [])) <= found["services"].keys()
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source.startswith("./") or source in found["volumes"]
    assert ["inside"] == found["services"]["valkey"]["networks"]
    assert found["networks"]["inside"]["internal"]
    assert "ports" not in found["services"]["valkey"]
    assert "ports" not in found["services"]["app"]


@pytest.mark.parametrize("file", ["nginx.conf", "Caddyfile"])
def test_the_proxy_knows_the_application_and_is_trusted(file):
    """Its address is in the network that the configuration names, which nobody else is in."""
    services = compose()["services"]
    own, theirs = (services[name]["networks"]["proxied"]["ipv4_address"] for name in ("proxy", "app"))
    [subnet] = [each["subnet"] for each in compose()["networks"]["proxied"]["ipam"]["config"]]
    trusted = tomllib.loads((FOLDER / "safeconduct.toml").read_text("utf-8"))["safeconduct"]["proxies"]["trusted"]

    assert [subnet] == trusted
    assert ip_address(own) in ip_network(subnet)
    assert f"{theirs}:8000" in (FOLDER / file).read_text("utf-8")


def test_the_probes_ask_for_public_paths():
    """A probe has no credential."""
    [container] = kubernetes()["containers"]
    public = tomllib.loads((FOLDER / "safeconduct.toml").read_text("utf-8"))["safeconduct"]["access"]["public"]

    paths = {container[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")}

    assert {"/live", "/ready"} == paths
    assert {f"GET {path}" for path in paths} <= set(public)
    assert "/ready" not in str(container["livenessProbe"])
    assert all(f'"{path}"' in APPLICATION for path in paths)


def test_a_pod_ends_after_its_requests():
    """Kubernetes waits longer than gunicorn does."""
    graceful = int(re.search(r"graceful_timeout = (\d+)", (FOLDER / "gunicorn.conf.py").read_text("utf-8"))[1])

    assert graceful < kubernetes()["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("file", ["alerts.yml", "grafana.json"])
def test_every_metric_that_is_asked_for_exists(file):
    """And so does every event that is named."""
    text = (FOLDER / file).read_text("utf-8")

    assert metric_names(text) <= METRICS
    assert metric_names(text)
    named = re.findall(r'event=~?\\?"([\w|]+)', text)
    assert {name for names in named for name in names.split("|")} <= set(events.__all__)


def test_the_dashboard_shows_every_metric():
    """A panel for each, in a form that Grafana imports."""
    board = json.loads((FOLDER / "grafana.json").read_text("utf-8"))

    shown = metric_names(json.dumps(board["panels"]))

    assert METRICS == shown
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_the_rules_have_names_and_summaries():
    """An alert says what it means."""
    [group] = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))["groups"]

    assert all(rule["alert"] and rule["expr"] and rule["annotations"]["summary"] for rule in group["rules"])
