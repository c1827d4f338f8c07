"""The commands that read and check, run inside the test's own process."""

import json
import sqlite3
import subprocess
import sys

import anyio
import pytest

from orchestrator.cli import COMMANDS, main
from tests.fakes.command_line import ROOT, CommandLine

RUNS = """\
import sys
from orchestrator.cli import main
sys.argv = ["ferryman", "--help"]
try:
    main()
except SystemExit:
    pass
heavy = {"langgraph", "mcp", "httpx", "numpy", "rich", "yaml"} & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy else 0)
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    command = CommandLine(tmp_path, servers={})
    for name, value in command.environ.items():
        monkeypatch.setenv(name, value)
    return command


def test_help_is_printed_without_a_heavy_import():
    done = subprocess.run(
        [sys.executable, "-c", RUNS], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "exit codes:" in done.stdout
    assert all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as left:
        main([name, "--help"])
    assert left.value.code == 0
    assert COMMANDS[name][1:] in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("words", [[], ["walk"], ["run", "--walk"], ["run", "--yes", "--no"]])
def test_wrong_usage_exits_2(words, capsys):
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    assert "usage: ferryman" in capsys.readouterr().err


@pytest.mark.usefixtures("machine")
def test_there_is_no_run_at_first(capsys):
    assert main(["runs", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["resume", "LAST"]) == 2
    assert "error[journal]: There is no run yet." in capsys.readouterr().err


def test_a_misspelt_key_of_the_config_file_exits_2_and_is_named(machine, capsys):
    machine.config.write_text("mcpServer: {}")
    assert main(["run", "Do it.", "--path", str(machine.inbox)]) == 2
    err = capsys.readouterr().err
    assert "error[settings]" in err
    assert "Did you mean 'mcpServers'?" in err


def test_a_misspelt_variable_exits_2_and_is_named(machine, capsys, monkeypatch):
    del machine
    monkeypatch.setenv("FERRYMAN_ADRDIR", "/tmp")
    assert main(["adr", "list"]) == 2
    assert "Did you mean FERRYMAN_ADR_DIR?" in capsys.readouterr().err


def test_a_folder_that_is_not_there_exits_2(machine, capsys):
    assert main(["run", "Do it.", "--path", str(machine.home / "lost")]) == 2
    assert "is not a folder" in capsys.readouterr().err


@pytest.mark.usefixtures("machine")
def test_a_missing_model_exits_2_with_the_command_that_pulls_it(capsys):
    assert main(["models", "path", "smollm2-135m-instruct"]) == 2
    err = capsys.readouterr().err
    assert "error[model_file]" in err
    assert "ferryman models pull smollm2-135m-instruct" in err
    assert main(["models", "list", "--json"]) == 0
    assert all(row["path"] is None for row in json.loads(capsys.readouterr().out))


def test_weights_are_taken_over_from_a_path_and_found_again(machine, capsys):
    weights = machine.home / "mine.gguf"
    weights.write_bytes(b"GGUF" + bytes(64))
    assert main(["models", "pull", "mine", "--from", str(weights)]) == 0
    pulled = capsys.readouterr().out.strip()
    assert main(["models", "path", "mine"]) == 0
    assert capsys.readouterr().out.strip() == pulled
    assert main(["models", "verify", "mine"]) == 0
    assert "sha256" in capsys.readouterr().out


@pytest.mark.usefixtures("machine")
def test_the_records_are_listed_checked_explained_and_indexed(capsys):
    assert main(["adr", "check"]) == 0
    assert "planner: script on scripted (ADR-0001)" in capsys.readouterr().out
    assert main(["adr", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["id"] == "ADR-0001"
    assert main(["adr", "list"]) == 0
    assert "Bind both roles to scripts" in capsys.readouterr().out
    assert main(["adr", "explain", "planner"]) == 0
    assert "planner: script" in capsys.readouterr().out
    assert main(["adr", "explain", "planner", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["binding"]["record"] == "ADR-0001"
    assert main(["adr", "index"]) == 0
    assert capsys.readouterr().out.startswith("# Decision records")


def test_records_that_do_not_fit_exit_2_and_are_all_named(machine, capsys):
    record = machine.adr / "0001-bind-scripts.md"
    record.write_text(record.read_text().replace("accepted", "proposed"))
    assert main(["adr", "check"]) == 2
    err = capsys.readouterr().err
    assert "no accepted record binds the role planner" in err
    assert "no accepted record binds the role synthesizer" in err
    assert main(["adr", "check", "--json"]) == 2
    assert len(json.loads(capsys.readouterr().out)["problems"]) == 2


def test_prompts_are_locked_and_a_change_without_a_version_is_refused(machine, capsys, monkeypatch):
    folder = machine.home / "prompts"
    (folder / "workflows").mkdir(parents=True)
    for path in (ROOT / "prompts").glob("*.md"):
        (folder / path.name).write_text(path.read_text())
    monkeypatch.setenv("FERRYMAN_PROMPTS_DIR", str(folder))
    assert main(["prompts", "check"]) == 2
    assert main(["prompts", "lock"]) == 0
    assert main(["prompts", "check"]) == 0
    changed = folder / "plan.md"
    changed.write_text(f"{changed.read_text()}\nOne more rule.\n")
    capsys.readouterr()
    assert main(["prompts", "lock"]) == 2
    assert "plan.md changed without a new version" in capsys.readouterr().err


@pytest.mark.usefixtures("machine")
def test_the_graph_is_drawn(capsys):
    assert main(["graph"]) == 0
    drawn = capsys.readouterr().out
    assert all(node in drawn for node in ("plan", "decide", "approve", "act", "synthesize"))


@pytest.mark.usefixtures("machine")
def test_the_schema_of_a_report_is_printed(capsys):
    assert main(["runs", "schema"]) == 0
    assert "shown_max" in json.loads(capsys.readouterr().out)["properties"]


def test_a_changed_journal_is_found(machine, capsys):
    path = one_run(machine)
    assert main(["audit", "verify"]) == 0
    assert main(["audit", "verify", "--json"]) == 0
    with sqlite3.connect(path) as database:
        database.execute("UPDATE entries SET entry = replace(entry, 'Do it', 'Do that')")
    database.close()
    capsys.readouterr()
    assert main(["audit", "verify"]) == 1
    assert "Entry 1 was changed" in capsys.readouterr().err
    assert main(["audit", "verify", "LAST", "--json"]) == 1


def test_a_run_without_its_setup_cannot_be_resumed_here(machine, capsys):
    one_run(machine)
    assert main(["resume", "LAST"]) == 2
    assert "the tools of run" in capsys.readouterr().err


def test_verbose_shows_where_an_error_came_from(machine, capsys):
    del machine
    assert main(["resume", "LAST", "--verbose"]) == 2
    assert "Traceback" in capsys.readouterr().err


def one_run(machine):
    """Write a journal with one planned run; give the file."""
    from adapters.clock import SystemClock
    from orchestrator.bootstrap import open_store
    from orchestrator.core.events import RunEnded, RunStarted
    from orchestrator.core.runs import RunRequest
    from orchestrator.journal.writer import Journal
    from orchestrator.settings import Settings
    from tests.fakes.stores import MemoryBlobs

    settings = Settings.load(environ={**machine.environ, "OFFICE": "", "STATE": ""})

    async def write():
        with open_store(settings) as store:
            journal = Journal(store, MemoryBlobs(), clock=SystemClock(), run_id="abc123")
            await journal.append(
                RunStarted(request=RunRequest(goal="Do it.")), RunEnded(status="planned")
            )

    anyio.run(write)
    return settings.state_dir / "journal.db"
