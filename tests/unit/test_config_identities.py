"""A server keeps its identity when the folders behind its variables change."""

import pytest

from orchestrator.core.errors import SettingsError
from orchestrator.settings import ConfigFile, read_config

BLOCK = """
mcpServers:
  files: {command: "${PYTHON}", args: [--root, "${OFFICE}"], env: {TOKEN: "${TOKEN}"}}
  notes: {command: "${PYTHON}", args: [--root, "${OFFICE}"], env: {TOKEN: "${TOKEN}"}}
"""
VARIABLES = {"PYTHON": "python", "OFFICE": "/first", "TOKEN": "s3cret"}


@pytest.fixture
def identities(tmp_path):
    def read(text=BLOCK, **variables):
        path = tmp_path / "ferryman.yaml"
        path.write_text(text)
        return read_config(path, VARIABLES | variables).identities

    return read


def test_other_values_of_the_variables_are_the_same_server(identities):
    assert identities(OFFICE="/second", TOKEN="0ther") == identities()


def test_each_server_is_somebody_else(identities):
    assert len(set(identities().values())) == 2


def test_another_argument_is_another_server(identities):
    assert identities(BLOCK.replace("--root", "--base")) != identities()


def test_a_secret_in_plain_does_not_count_and_its_name_does(identities):
    plain = BLOCK.replace("${TOKEN}", "s3cret")
    assert identities(plain) == identities(BLOCK.replace("${TOKEN}", "0ther")) == identities()
    assert identities(BLOCK.replace("TOKEN:", "KEY:")) != identities()


@pytest.mark.parametrize("odd", ["env: 5", "env: [A]", "since: 2026-11-21", "more: {1: a, b: 2}"])
def test_odd_values_are_left_to_whoever_reads_the_block(identities, odd):
    assert len(identities(f"mcpServers: {{files: {{command: x, {odd}}}}}")["files"]) == 64


def test_identities_are_not_for_the_operator_to_write(identities):
    with pytest.raises(SettingsError, match="identities"):
        identities("identities: {files: x}")


def test_a_config_without_a_file_has_none():
    assert ConfigFile(mcpServers={"files": {"command": "x"}}).identities == {}
