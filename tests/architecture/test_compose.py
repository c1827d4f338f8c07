"""The stack's files are valid, and each vLLM flag carries its reason to the command line."""

import importlib.util
import json
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import jsonschema
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from orchestrator.decisions.reader import read_folder
from orchestrator.settings import ServiceLimits, read_config

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
ENV_FILE = ROOT / "deploy" / "vllm-r9700.env"
ASSIGNMENT = re.compile(r"(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>\S.*)")

TOP_LEVEL_KEYS = {"name", "secrets", "services", "volumes"}
SERVICE_KEYS = {
    "build", "cap_drop", "command", "depends_on", "devices", "entrypoint", "env_file",
    "environment", "group_add", "healthcheck", "image", "init", "ipc", "mem_limit", "pids_limit",
    "ports", "profiles", "read_only", "restart", "secrets", "security_opt", "stop_grace_period",
    "tmpfs", "volumes",
}  # fmt: skip
OURS = ("ferryman", "weights", "prometheus", "grafana")
INSTRUCTION = re.compile(r"^(?P<word>[A-Z]+) (?P<rest>.+)$", re.MULTILINE)


def blocks():
    """Each assignment of the env file with the comment lines right above it."""
    reason = []
    for line in ENV_FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            reason.append(line.lstrip("# "))
        elif not line.strip():
            reason = []
        else:
            yield line, " ".join(reason)
            reason = []


def dockerfile():
    """The arguments of each instruction of the Dockerfile, in order."""
    text = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    code = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    found = {}
    for match in INSTRUCTION.finditer(code):
        found.setdefault(match["word"], []).append(" ".join(match["rest"].split()))
    return found


def locked_versions(name):
    """The version of each package of a lock."""
    text = (ROOT / "deploy" / "locks" / f"{name}.txt").read_text(encoding="utf-8")
    pinned = re.findall(r"^([\w.-]+)==(\S+) \\\n    --hash=sha256:", text, flags=re.MULTILINE)
    assert len(pinned) == text.count("==")
    return {canonicalize_name(package): version for package, version in pinned}


DEPLOYED = {"deploy/locks", "deploy/ferryman.yaml"}
IMAGE_EXTRAS = ("embedded", "embedding", "desk", "service")
BLOCKS = list(blocks())
VALUES = dict(line.split("=", 1) for line, _ in BLOCKS)


def test_compose_satisfies_the_compose_specification():
    spec = importlib.util.find_spec("check_jsonschema")
    if spec is None:
        pytest.skip("check-jsonschema, which carries the specification's schema, is not installed")
    folder = Path(spec.origin).parent / "builtin_schemas" / "vendor"
    schema = json.loads((folder / "compose-spec.json").read_text(encoding="utf-8"))
    jsonschema.validators.validator_for(schema)(schema).validate(COMPOSE)


def test_compose_uses_known_keys_only():
    assert set(COMPOSE) == TOP_LEVEL_KEYS
    for name, service in SERVICES.items():
        assert set(service) <= SERVICE_KEYS, name
        assert "image" in service
        assert "healthcheck" in service


def test_only_the_cpu_service_starts_without_a_profile():
    profiles = {name: service.get("profiles") for name, service in SERVICES.items()}
    assert profiles == {
        "ferryman": None,
        "weights": None,
        "prometheus": ["observability"],
        "grafana": ["observability"],
        "vllm": ["r9700"],
        "llama-server": ["vulkan"],
    }


@pytest.mark.parametrize("name", OURS)
def test_what_needs_no_device_may_do_as_little_as_possible(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] <= 512


def test_every_port_is_for_this_machine_only():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 5
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_no_secret_stands_in_the_file():
    environ = [*SERVICES["ferryman"]["environment"], *SERVICES["grafana"]["environment"]]
    assert not [name for name in environ if re.search("KEY|TOKEN|PASSWORD", name)]
    assert COMPOSE["secrets"] == {
        "ferryman_metrics_key": {"file": "${FERRYMAN_METRICS_KEY:-./secrets/metrics.key}"}
    }


def test_the_service_waits_for_its_weights_and_is_given_time_to_stop():
    service = SERVICES["ferryman"]
    assert service["depends_on"] == {"weights": {"condition": "service_completed_successfully"}}
    grace = int(service["stop_grace_period"].removesuffix("s"))
    assert grace > ServiceLimits().drain_s + 5


def test_the_image_and_the_stack_agree_about_the_service():
    image = dockerfile()
    variables = dict(part.split("=", 1) for part in shlex.split(image["ENV"][0]))
    service = SERVICES["ferryman"]
    mounts = {mount.rpartition(":")[2] for mount in service["volumes"]}
    assert mounts == {variables["XDG_CACHE_HOME"], variables["XDG_STATE_HOME"], "/desktop"}
    assert json.loads(image["CMD"][0]) == ["serve", "--path", "/desktop"]
    assert service["ports"][0].endswith(f":{variables['FERRYMAN_PORT']}")
    health = json.loads(image["HEALTHCHECK"][0].partition(" CMD ")[2])
    assert service["healthcheck"]["test"] == ["CMD", *health]
    assert variables["FERRYMAN_CONFIG"] in image["COPY"][-1]


def test_the_image_is_held_still_and_runs_as_nobody_special():
    image = dockerfile()
    assert re.fullmatch(r"BASE=debian:bookworm-\d{8}-slim", image["ARG"][0])
    assert {rest.split()[0] for rest in image["FROM"]} == {"${BASE}"}
    assert image["USER"] == ["1000:1000"]
    installs = [rest for rest in image["RUN"] if "pip install" in rest and "--no-index" not in rest]
    assert len(installs) == 2
    assert all("--require-hashes --only-binary :all:" in rest for rest in installs)


def test_every_dependency_of_the_image_is_locked_with_hashes():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"]]
    for extra in IMAGE_EXTRAS:
        asked += extras[extra]
    locked = locked_versions("runtime")
    for word in asked:
        wanted = Requirement(word)
        version = locked[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(version), word
    assert "hatchling" in locked_versions("build")


def test_the_containers_config_file_is_valid_and_touches_the_desktop_only():
    variables = {"PYTHON": "python3", "OFFICE": "/desktop", "STATE": "/state/ferryman"}
    config = read_config(ROOT / "deploy" / "ferryman.yaml", variables)
    assert config.service.hosts == ("ferryman",)
    for block in config.mcpServers.values():
        paths = {word for word in block["args"] if word.startswith("/")}
        assert all(path == "/desktop" or path.startswith("/state/ferryman/") for path in paths)


def test_prometheus_and_grafana_read_what_the_stack_gives_them():
    folder = ROOT / "deploy" / "grafana"
    collected = yaml.safe_load((folder / "prometheus.yaml").read_text(encoding="utf-8"))
    (job,) = collected["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["ferryman:8114"]}]
    (secret,) = SERVICES["prometheus"]["secrets"]
    assert job["authorization"]["credentials_file"] == f"/run/secrets/{secret}"
    source = yaml.safe_load((folder / "datasource.yaml").read_text(encoding="utf-8"))
    assert source["datasources"][0]["url"] == "http://prometheus:9090"
    boards = yaml.safe_load((folder / "dashboards.yaml").read_text(encoding="utf-8"))
    path = boards["providers"][0]["options"]["path"]
    mounts = [*SERVICES["grafana"]["volumes"], *SERVICES["prometheus"]["volumes"]]
    assert f"./deploy/grafana/ferryman.json:{path}/ferryman.json:ro" in mounts
    files = {mount.split(":")[0] for mount in mounts if mount.startswith("./")}
    assert all((ROOT / file).is_file() for file in files)


def test_the_prover_knows_every_instruction_of_the_dockerfile():
    known = {"ARG", "FROM", "RUN", "COPY", "ENV", "WORKDIR", "USER", "EXPOSE", "VOLUME"}
    assert set(dockerfile()) <= {*known, "HEALTHCHECK", "ENTRYPOINT", "CMD"}


def test_every_named_volume_is_declared():
    used = {
        mount.split(":")[0]
        for service in SERVICES.values()
        for mount in service.get("volumes", [])
        if re.match(r"[a-z]", mount)
    }
    assert used == set(COMPOSE["volumes"])


def test_the_model_servers_are_reachable_from_this_machine_only():
    for name in ("vllm", "llama-server"):
        assert all(port.startswith("127.0.0.1:") for port in SERVICES[name]["ports"])


def test_what_compose_points_at_exists():
    assert (ROOT / SERVICES["ferryman"]["build"]["dockerfile"]).is_file()
    assert ROOT / SERVICES["vllm"]["env_file"] == ENV_FILE
    assert (ROOT / "deploy" / "tuned").is_dir()


def test_the_image_is_built_from_everything_that_the_wheel_packs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    packed = {*wheel["packages"], *wheel["force-include"], "pyproject.toml", "README.md", "LICENSE"}
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+) \./", dockerfile, flags=re.MULTILINE)
        for source in line.split()
    }
    ignore = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8")
    let_in = set(re.findall(r"^!(.+)$", ignore, flags=re.MULTILINE))
    assert packed | DEPLOYED == copied | DEPLOYED == let_in


@pytest.mark.parametrize("line", [line for line, _ in BLOCKS])
def test_each_line_of_the_env_file_is_an_assignment_that_compose_reads_literally(line):
    value = ASSIGNMENT.fullmatch(line)["value"]
    assert not set(value) & set("\"'$#*?[]\\")


@pytest.mark.parametrize(("line", "reason"), BLOCKS)
def test_each_flag_has_a_reason_and_a_decision_record(line, reason):
    text, _, decision = reason.partition("Decision: ")
    assert len(text.split()) >= 6, line
    known = {record.id for record in read_folder(ROOT / "adr")}
    assert set(re.findall(r"ADR-\d{4}", decision)) & known, line
    assert set(re.findall(r"ADR-\d{4}", decision)) <= known, line


def test_no_setting_is_given_twice():
    assert len(VALUES) == len(BLOCKS)


def test_the_env_file_and_the_compose_file_say_that_nothing_was_run_on_the_card():
    assert "NOT RUN ON THE CARD BY US" in ENV_FILE.read_text(encoding="utf-8")
    assert "Not run on the card by us" in (ROOT / "compose.yaml").read_text(encoding="utf-8")


def test_the_server_runs_the_model_that_its_record_proposes():
    proposed = next(record for record in read_folder(ROOT / "adr") if record.id == "ADR-0005")
    assert {claim.model for claim in proposed.front.binds} == {VALUES["R9700_MODEL"]}


def test_every_flag_of_the_env_file_reaches_the_command_line(tmp_path):
    stand_in = tmp_path / "vllm"
    stand_in.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    stand_in.chmod(0o755)
    service = SERVICES["vllm"]
    # Compose turns `$$` into the `$` that the container's shell sees.
    command = [part.replace("$$", "$") for part in [*service["entrypoint"], *service["command"]]]
    ran = subprocess.run(
        command,
        env=VALUES | {"PATH": f"{tmp_path}:/usr/bin:/bin", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    verb, model, *flags = ran.stdout.splitlines()
    assert (verb, model) == ("serve", VALUES["R9700_MODEL"])
    expected = [value for name, value in VALUES.items() if name.startswith("R9700_FLAG_")]
    assert " ".join(flags) == " ".join(sorted(expected))
