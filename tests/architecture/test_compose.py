"""The stack's files are valid, and each vLLM flag carries its reason to the command line."""

import importlib.util
import json
import re
import subprocess
import tomllib
from pathlib import Path

import jsonschema
import pytest
import yaml

from orchestrator.decisions.reader import read_folder

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
ENV_FILE = ROOT / "deploy" / "vllm-r9700.env"
ASSIGNMENT = re.compile(r"(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>\S.*)")

TOP_LEVEL_KEYS = {"name", "services", "volumes"}
SERVICE_KEYS = {
    "build", "cap_drop", "command", "devices", "entrypoint", "env_file", "group_add",
    "healthcheck", "image", "init", "ipc", "ports", "profiles", "restart", "security_opt",
    "stdin_open", "tty", "volumes",
}  # fmt: skip


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
    assert profiles == {"ferryman": None, "vllm": ["r9700"], "llama-server": ["vulkan"]}


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
    assert packed == copied == let_in


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
