"""A manifest is believed of the very server that it was written for, and of no other."""

import json
import stat
from datetime import UTC, datetime, timedelta

import pytest

from adapters.tools.mcp_config import McpServerConfig
from adapters.tools.mcp_manifest import UNVERSIONED_FOR, ManifestCache, identify
from orchestrator.core.tools import ToolSpec

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LIST = ToolSpec(
    id="files.list",
    description="List a folder.",
    input_schema={"type": "object", "properties": {"z": {"default": 1.0}, "a": {"minimum": -0.0}}},
    output_schema={"type": "object"},
    effect="read",
)


@pytest.fixture
def cache(tmp_path):
    return ManifestCache(tmp_path / "manifests")


@pytest.fixture
def script(tmp_path):
    script = tmp_path / "server.py"
    script.write_text("print('one')")
    return script


@pytest.fixture
def server(script):
    return identify("files", McpServerConfig(command="sh", args=[str(script)]), "b10c")


@pytest.fixture
def path(cache, server, tmp_path):
    cache.save(server, [LIST], {}, NOW)
    (path,) = (tmp_path / "manifests").iterdir()
    return path


def of(*args, block="", **fields):
    return identify("files", McpServerConfig(command="sh", args=args, **fields), block)


def test_what_was_saved_is_loaded(cache, server):
    cache.save(server, [LIST], {"odd": "its schema is too large"}, NOW)
    manifest = cache.load(server, NOW)
    assert manifest.specs == (LIST,)
    assert manifest.rejected == {"odd": "its schema is too large"}
    assert manifest.specs[0].model_dump_json() == LIST.model_dump_json()


def test_nothing_is_known_of_a_server_never_asked(cache, server):
    assert cache.load(server, NOW) is None


def test_a_forgotten_server_is_asked_anew(cache, server, path):
    cache.forget(server)
    cache.forget(server)
    assert cache.load(server, NOW) is None


def test_a_manifest_is_for_the_owner_alone(path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", "\x00\xff", "[" * 10_000])
def test_a_damaged_manifest_counts_as_absent(cache, server, path, damage):
    path.write_bytes(damage.encode("latin-1"))
    assert cache.load(server, NOW) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"form": 2},
        {"reader": "another"},
        {"program": "server.py 0"},
        {"surplus": 1},
        {"specs": [{"id": "other.tool"}]},
        {"specs": [{"id": "files.list", "effect": "harmless"}]},
    ],
    ids=str,
)
def test_a_manifest_that_is_not_ours_counts_as_absent(cache, server, path, changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    assert cache.load(server, NOW) is None


def test_an_upgraded_server_is_asked_anew_and_its_file_is_reused(cache, server, path, script):
    script.write_text("print('two')")
    assert cache.load(server, NOW) is None
    cache.save(server, [LIST], {}, NOW)
    assert cache.load(server, NOW) is not None
    assert list(path.parent.iterdir()) == [path]


def test_another_block_is_another_manifest(cache, path, script):
    assert cache.load(of(str(script), block="other"), NOW) is None


def test_a_change_of_folders_behind_the_same_block_keeps_the_manifest(cache, path, script):
    assert cache.load(of(str(script), "--root", "/another/office", block="b10c"), NOW) is not None


@pytest.mark.parametrize("written", ["/first/office", "--root=/first/office"])
def test_tools_that_tell_a_folder_are_known_for_that_folder_only(cache, script, written):
    spec = LIST.model_copy(update={"description": "List a folder below /first/office."})
    first = of(str(script), written, block="b10c")
    cache.save(first, [spec], {}, NOW)
    assert cache.load(first, NOW) is not None
    assert cache.load(of(str(script), "/another/office", block="b10c"), NOW) is None


def test_a_folder_in_a_variable_or_as_the_working_folder_counts_too(cache, script, tmp_path):
    spec = LIST.model_copy(update={"description": f"Lists /my/notes and {tmp_path}."})
    first = of(str(script), env={"NOTES": "/my/notes"}, cwd=tmp_path, block="b10c")
    cache.save(first, [spec], {}, NOW)
    assert cache.load(first, NOW) is not None
    other = of(str(script), env={"NOTES": "/your/notes"}, cwd=tmp_path, block="b10c")
    assert cache.load(other, NOW) is None


def test_a_server_without_a_version_is_believed_for_a_while(cache):
    distant = identify("files", McpServerConfig(url="http://127.0.0.1/mcp"))
    cache.save(distant, [LIST], {}, NOW)
    assert cache.load(distant, NOW + UNVERSIONED_FOR - timedelta(seconds=1)) is not None
    assert cache.load(distant, NOW + UNVERSIONED_FOR) is None
    assert cache.load(distant, NOW - timedelta(seconds=1)) is None


def test_a_server_with_a_version_is_believed_for_ever(cache, server, path):
    assert cache.load(server, NOW + timedelta(days=900)) is not None


def test_without_a_block_the_command_line_names_the_server(script):
    assert of(str(script)).file_name == of(str(script)).file_name
    assert of(str(script)).file_name != of(str(script), "--fast").file_name
    assert of(str(script)).file_name != of(str(script), policy={"*": "read"}).file_name


def test_secrets_are_neither_in_the_name_nor_in_the_file(cache, tmp_path, script):
    one, other = (of(str(script), env={"TOKEN": token}) for token in ("s3cret", "other"))
    assert one.file_name == other.file_name
    cache.save(one, [LIST], {}, NOW)
    (path,) = (tmp_path / "manifests").iterdir()
    assert "s3cret" not in path.read_text()


def test_a_definition_that_json_would_change_is_not_remembered(cache, server, path):
    odd = LIST.model_copy(update={"input_schema": {"type": "object", "minimum": float("inf")}})
    cache.save(server, [odd], {}, NOW)
    assert cache.load(server, NOW) is None


def test_a_folder_that_cannot_be_written_costs_only_time(server, tmp_path, caplog):
    (tmp_path / "manifests").write_text("a file is in the way")
    cache = ManifestCache(tmp_path / "manifests")
    cache.save(server, [LIST], {}, NOW)
    cache.forget(server)
    assert cache.load(server, NOW) is None
    assert "not remembered" in caplog.text


def test_a_write_that_fails_leaves_the_old_file_and_no_other(cache, server, tmp_path, caplog):
    folder = tmp_path / "manifests"
    (folder / server.file_name).mkdir(parents=True)
    cache.save(server, [LIST], {}, NOW)
    assert [entry.name for entry in folder.iterdir()] == [server.file_name]
    assert "not remembered" in caplog.text
