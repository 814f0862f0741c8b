"""Dockerfile, Compose file and values of Kubernetes: what can be examined without a container."""

import json
import re
import shlex

import pytest
import yaml

from monitoring_pipeline.prometheus.grafana import building
from monitoring_pipeline.settings import PREFIX, Settings
from monitoring_pipeline_tests.deployment.compose import (
    DEPLOY,
    REPOSITORY,
    MissingVariableError,
    compose_file,
    example_variables,
    filled,
    image_environment,
    instructions,
)

OWN = ("migrate", "mlflow", "code", "webserver", "daemon", "site")
GIVEN = dict.fromkeys(example_variables(), "given")
OF_OTHERS = {"MLFLOW_BACKEND_STORE_URI", "PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
KEYS = {
    "image", "build", "command", "environment", "volumes", "depends_on", "healthcheck", "ports", "restart", "read_only",
    "cap_drop", "security_opt", "tmpfs",
}  # fmt: skip


def known_variables() -> set[str]:
    """Return the names of all environment variables that the settings read."""
    return {str(field.validation_alias or f"{PREFIX}{name.upper()}") for name, field in Settings.model_fields.items()}


def test_every_variable_is_one_that_the_settings_read() -> None:
    used = {name for service in OWN for name in compose_file(GIVEN)["services"][service]["environment"]}
    used |= set(image_environment())
    values = yaml.safe_load((DEPLOY / "kubernetes" / "values.yaml").read_text(encoding="utf-8"))
    (code,) = values["dagster-user-deployments"]["deployments"]
    used |= {entry["name"] for entry in code["env"]}
    assert used - known_variables() == OF_OTHERS
    assert {"MONITORING_PIPELINE_STORE_URL", "DAGSTER_POSTGRES_URL", "MLFLOW_TRACKING_URI"} <= used


def test_services_of_the_image_have_no_rights_and_write_to_volumes_only() -> None:
    services = compose_file(GIVEN)["services"]
    for name in OWN:
        service = services[name]
        assert service["image"] == "monitoring-pipeline"
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    ((_, user),) = [entry for entry in instructions() if entry[0] == "USER"]
    assert re.fullmatch(r"[1-9]\d{4}:[1-9]\d{4}", user)
    (volumes,) = [json.loads(rest) for word, rest in instructions() if word == "VOLUME"]
    assert set(volumes) == {"/data", "/opt/dagster/storage"}


def test_services_have_keys_volumes_and_neighbours_that_exist() -> None:
    content = compose_file(GIVEN)
    services = content["services"]
    for name, service in services.items():
        assert set(service) <= KEYS, name
        assert set(service.get("depends_on", ())) <= set(services), name
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).resolve().exists(), volume
            else:
                assert source in {*content["volumes"], "given"}, volume
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), "a port of this machine is for a proxy that signs people in"
    with_health = {name for name, service in services.items() if "healthcheck" in service}
    waited_for = {
        other
        for service in services.values()
        if isinstance(service.get("depends_on"), dict)
        for other, rule in service["depends_on"].items()
        if rule["condition"] == "service_healthy"
    }
    assert waited_for <= with_health
    assert set(OWN) - with_health == {"migrate"}


def test_nothing_starts_without_a_password() -> None:
    for name in example_variables():
        lacking = {key: value for key, value in GIVEN.items() if key != name}
        if name == "FUNCTION_MODULES":
            services = compose_file(lacking)["services"]
            assert services["code"]["environment"]["MONITORING_PIPELINE_FUNCTION_MODULES"] == "[]"
        else:
            with pytest.raises(MissingVariableError, match=name):
                compose_file(lacking)
    assert filled("${A:-b}-${C:?}", {"C": "d"}) == "b-d"


def test_site_has_the_role_that_reads_and_the_others_that_which_writes() -> None:
    services = compose_file(GIVEN)["services"]
    roles = {
        name: services[name]["environment"]["MONITORING_PIPELINE_STORE_URL"].split("//")[1].split(":")[0]
        for name in OWN
        if "MONITORING_PIPELINE_STORE_URL" in services[name]["environment"]
    }
    assert roles == {
        "migrate": "monitoring_migrations",
        "site": "monitoring_reader",
        **dict.fromkeys(("code", "webserver", "daemon"), "monitoring_writer"),
    }


def test_files_of_the_image_exist() -> None:
    copied = [shlex.split(rest)[:-1] for word, rest in instructions() if word == "COPY" and "--from" not in rest]
    assert len(copied) > 3
    for source in (source for sources in copied for source in sources):
        assert (REPOSITORY / source).exists(), source
    (folders,) = re.findall(r"packages = (\[.*\])", (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    assert {source for sources in copied for source in sources} >= {*json.loads(folders), "sql", "dagster.yaml"}
    ((command,),) = [[json.loads(rest)] for word, rest in instructions() if word == "CMD"]
    assert command == compose_file(GIVEN)["services"]["code"]["command"]


def test_extras_of_the_image_are_those_of_the_package() -> None:
    project = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    (extras,) = [rest.partition("=")[2].strip('"') for word, rest in instructions() if rest.startswith("EXTRAS=")]
    assert all(f"\n{extra} = [\n" in project for extra in extras.split(","))


def test_grafana_and_prometheus_find_the_site_and_the_dashboards() -> None:
    services = compose_file(GIVEN)["services"]
    scraped = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    ((target,),) = [entry["targets"] for entry in scraped["scrape_configs"][0]["static_configs"]]
    host, port = target.split(":")
    assert services[host]["command"][-1] == port
    (source,) = yaml.safe_load((DEPLOY / "grafana" / "datasources.yaml").read_text(encoding="utf-8"))["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = yaml.safe_load((DEPLOY / "grafana" / "dashboards.yaml").read_text(encoding="utf-8"))["providers"]
    mounted = dict(reversed(volume.split(":")[:2]) for volume in services["grafana"]["volumes"])
    assert (DEPLOY / mounted[provider["options"]["path"]]).resolve() == building.FOLDER


def test_kubernetes_runs_the_code_server_of_the_image_without_rights() -> None:
    values = yaml.safe_load((DEPLOY / "kubernetes" / "values.yaml").read_text(encoding="utf-8"))
    (code,) = values["dagster-user-deployments"]["deployments"]
    own = compose_file(GIVEN)["services"]["code"]["command"]
    assert own[-4:] == code["codeServerArgs"]
    assert code["podSecurityContext"]["runAsNonRoot"] is True
    assert str(code["podSecurityContext"]["runAsUser"]) in dict(instructions())["USER"]
    rules = yaml.safe_load((REPOSITORY / "dagster.yaml").read_text(encoding="utf-8"))
    queue = values["dagsterDaemon"]["runCoordinator"]["config"]["queuedRunCoordinator"]
    assert queue["maxConcurrentRuns"] == rules["concurrency"]["runs"]["max_concurrent_runs"]
    assert queue["tagConcurrencyLimits"] == rules["concurrency"]["runs"]["tag_concurrency_limits"]
    assert values["dagsterDaemon"]["runRetries"]["maxRetries"] == rules["run_retries"]["max_retries"]
    mounts = {mount["name"] for mount in code["volumeMounts"]}
    assert mounts == {volume["name"] for volume in code["volumes"]}
