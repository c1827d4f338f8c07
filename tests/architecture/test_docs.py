"""What the documentation says is run: commands are parsed, blocks executed, tables compared."""

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from adapters.tools.mcp_config import McpServerConfig
from desk.suite.cases import DeskCase
from desk.suite.loading import load_cases
from orchestrator.cli import COMMANDS, EPILOG, _parser
from orchestrator.cli.evaluations import report_of
from orchestrator.cli.failures import _BY_STATUS
from orchestrator.core.runs import Budget
from orchestrator.graph.build import mermaid
from orchestrator.policy.permissions import Rule
from orchestrator.prompting.library import WorkflowExample
from orchestrator.settings import ConfigFile

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MORE_PAGES = [*PAGES, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", ROOT / "deploy/README.md"]
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
NAMED = re.compile(
    r"`((?:adapters|adr|deploy|desk|docs|orchestrator|prompts|scripts|tests)/[\w./-]*)`"
)


def blocks(language, pages=PAGES):
    """Each code block of a language, with the page it is from."""
    return [
        pytest.param(
            page, re.sub(rf"^{indent}", "", code, flags=re.MULTILINE), id=f"{page.name}-{n}"
        )
        for page in pages
        for n, (indent, found, code) in enumerate(FENCE.findall(page.read_text(encoding="utf-8")))
        if found == language
    ]


def shell_lines():
    return [
        pytest.param(line, id=f"{found.id}: {line[:50]}")
        for found in blocks("sh")
        for line in found.values[1].splitlines()
        if line.strip()
    ]


# --- Commands -------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", shell_lines())
def test_each_command_of_the_documentation_is_one_that_exists(line):
    program, *words = shlex.split(line)
    if program == "./test":
        assert words == []
        return
    if program == "./run":
        assert os.access(ROOT / "run", os.X_OK)
        program, words = "ferryman", ["run", *words]
    if program == "ferryman":
        _accepted(words)
        return
    assert program in {".", "export"}, line


def _accepted(words):
    if "--help" in words:
        words.remove("--help")
    _parser(words[0]).parse_args(words)


def test_both_commands_of_the_readme_are_there_and_can_be_executed():
    assert [name for name in ("run", "test") if not os.access(ROOT / name, os.X_OK)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_command_named_in_a_sentence_exists(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    later = {"serve", "fit", "tune", "replay"}
    for name in re.findall(r"`ferryman ([a-z]+)", text):
        assert name in COMMANDS or (name in later and "does not exist yet" in text), name


# --- Code -----------------------------------------------------------------------------------------


def step(step_id, intent, namespace, over="", where=""):
    """One step of a plan as a model writes it."""
    return {
        "id": step_id,
        "intent": intent,
        "namespace": namespace,
        "over": over,
        "where": where,
    }


RENAMING = [
    {
        "steps": [
            step("s1", "list the files on the Desktop", "filesystem"),
            step("s2", "write a short file name", "text", "s1", "name contains scan"),
            step("s3", "rename each scan to its new file name", "filesystem", "s2"),
        ]
    },
    "filesystem.list_dir",
    {"path": "$folder.Desktop"},
    "text.write",
    {"text": "$s1.name", "instruction": "a short file name", "form": "file name"},
    "filesystem.rename_file",
    {"path": "$s1.path", "new_name": "$s2.value"},
]
WRITING = [{"value": "scan-one"}, "It is done."]
ADDING = [
    {"steps": [step("s1", "add 7 to the total", "counter")]},
    "counter.add",
    {"number": 7},
]
COUNTING = [
    {"steps": [step("s1", "count the words", "words")]},
    "words.count_words",
    {"text": "to be or not"},
]
RECORD = """---
status: accepted
date: 2026-01-01
decision-makers: [a test]
binds:
  - role: {role}
    backend: scripted
    model: script
    profile: generic
    options: {{path: "{path}"}}
---

# Bind the {role} to a script

## Context and Problem Statement

A test needs replies without a model.

## Considered Options

* A script

## Decision Outcome

Chosen: the script.
"""


@pytest.fixture
def machine(tmp_path):
    """A machine without a model: both roles are bound to scripts by records of its own."""

    def prepare(planner, synthesizer=("It is done.",)):
        (tmp_path / "adr").mkdir()
        scripts = {"planner": planner, "synthesizer": synthesizer}
        for number, (role, said) in enumerate(scripts.items(), start=1):
            script = tmp_path / f"{role}.jsonl"
            script.write_text("".join(json.dumps(line) + "\n" for line in said), encoding="utf-8")
            record = RECORD.format(role=role, path=script)
            name = f"000{number}-bind-{role}.md"
            (tmp_path / "adr" / name).write_text(record, encoding="utf-8")
        (tmp_path / "Desktop").mkdir()
        (tmp_path / "Desktop/scan 1.png").write_bytes(b"a scan")
        return {
            **os.environ,
            "HOME": str(tmp_path),
            "PWD": str(tmp_path),
            "XDG_STATE_HOME": str(tmp_path / "state"),
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            "FERRYMAN_ADR_DIR": str(tmp_path / "adr"),
            "PYTHONPATH": str(ROOT),
        }

    return prepare


def executed(code, folder, environ):
    (folder / "example.py").write_text(code, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "example.py"],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def python_block(page, containing):
    found = [code for _, code in (b.values for b in blocks("python", [ROOT / page]))]
    (code,) = [code for code in found if containing in code]
    return code


def renamed(machine, tmp_path):
    """The run of the README's example, in a folder with its configuration."""
    environ = machine(RENAMING, WRITING)
    (config,) = [code for _, code in (b.values for b in blocks("yaml", [ROOT / "README.md"]))]
    written = yaml.safe_load(config)
    # A server gets few variables; this one tells it where a checkout that is not installed lies.
    written["mcpServers"]["filesystem"]["env"] = {"PYTHONPATH": str(ROOT)}
    (tmp_path / "ferryman.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")
    return executed(python_block("README.md", "open_orchestrator"), tmp_path, environ), environ


def test_the_example_of_the_readme_carries_a_goal_out(machine, tmp_path):
    ran, _ = renamed(machine, tmp_path)
    assert ran.returncode == 0, ran.stderr
    told = [line.split()[1] for line in ran.stdout.splitlines()]
    assert (told[0], told[-1]) == ("run_started", "run_ended")
    assert told.count("call_settled") == 3
    assert [path.name for path in (tmp_path / "Desktop").iterdir()] == ["scan-one.png"]


def test_the_example_with_own_tools_calls_them(machine, tmp_path):
    code = python_block("docs/how-to.md", "count_words")
    ran = executed(code, tmp_path, machine(COUNTING))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("completed")


def test_the_example_that_reads_journals_lists_the_runs(machine, tmp_path):
    environ = machine(COUNTING)
    executed(python_block("docs/how-to.md", "count_words"), tmp_path, environ)
    ran = executed(python_block("docs/how-to.md", "open_store"), tmp_path, environ)
    assert ran.returncode == 0, ran.stderr
    assert " completed " in ran.stdout


def test_the_example_of_a_suite_of_ones_own_is_measured(machine, tmp_path):
    ran = executed(python_block("docs/how-to.md", "class Sums"), tmp_path, machine(ADDING))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "add-seven True\n"
    report = report_of([tmp_path / "sums"])
    assert (report.suite, report.cases, report.arms) == ("sums", 1, ("ferryman",))


def test_learning_from_a_run_keeps_it_as_a_worked_example(machine, tmp_path):
    environ = renamed(machine, tmp_path)[1]
    learn = "from orchestrator.cli import main\nraise SystemExit(main(['learn', '--json']))\n"
    ran = executed(learn, tmp_path, environ)
    assert ran.returncode == 0, ran.stderr
    learnt = json.loads(ran.stdout)
    (name,) = learnt["examples"]
    written = Path(learnt["folder"], "examples", f"{name}.yaml").read_text(encoding="utf-8")
    example = WorkflowExample.model_validate(yaml.safe_load(written))
    assert example.goal == "Rename the scan on my Desktop."
    assert [step.tool for step in example.steps][-1] == "filesystem.rename_file"


def test_no_python_block_is_left_out_of_these_tests():
    assert len(blocks("python")) == 4


@pytest.mark.parametrize(("page", "code"), blocks("yaml"))
def test_each_piece_of_configuration_is_valid(page, code):
    written = yaml.safe_load(code)
    if isinstance(written, list):
        shipped = {case.id: case for case in load_cases()}
        assert [shipped[case["id"]] for case in written] == [
            DeskCase.model_validate(case) for case in written
        ]
    elif "binds" in written:
        assert {claim["role"] for claim in written["binds"]} == {"planner", "synthesizer"}
    elif "steps" in written:
        shipped = ROOT / "prompts/workflows" / f"{written['name']}.yaml"
        assert WorkflowExample.model_validate(written) == WorkflowExample.model_validate(
            yaml.safe_load(shipped.read_text(encoding="utf-8"))
        )
    else:
        config = ConfigFile.model_validate(written)
        for block in config.mcpServers.values():
            McpServerConfig.model_validate(block)
        assert all(isinstance(rule, Rule) for rule in config.rules)
        assert isinstance(config.budget, Budget)


def test_the_record_of_the_how_to_takes_the_place_of_the_shipped_bindings(tmp_path):
    from orchestrator.decisions.reader import read
    from orchestrator.decisions.resolve import resolve

    (front,) = [
        code
        for _, code in (b.values for b in blocks("yaml", [ROOT / "docs/how-to.md"]))
        if "binds" in code
    ]
    body = RECORD.partition("---\n\n")[2].format(role="planner", path="")
    texts = {"0026-bind-both-roles-to-vllm.md": f"---\n{front}---\n\n{body}"}
    for path in sorted((ROOT / "adr").glob("0*.md")):
        text = path.read_text(encoding="utf-8")
        if path.name[:4] in {"0002", "0003"}:
            text = text.replace("status: accepted", "status: superseded by ADR-0026")
        texts[path.name] = text
    assert {binding.backend for binding in resolve(read(texts.items())).values()} == {"vllm"}


# --- What is generated, and what is listed --------------------------------------------------------


@pytest.fixture(scope="module")
def reference():
    """The script that writes the generated parts."""
    spec = importlib.util.spec_from_file_location("reference", ROOT / "scripts/reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["README.md", "docs/reference.md", "docs/architecture.md"])
def test_generated_parts_are_current(reference, name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert text == reference.filled(text), "run `python scripts/reference.py`"


def test_every_part_that_can_be_generated_is_somewhere(reference):
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert set(re.findall(r"<!-- begin ([\w-]+) -->", text)) == set(reference.PARTS)


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md"])
def test_the_picture_of_the_graph_is_the_graph(page):
    drawn = [code for _, code in (b.values for b in blocks("mermaid", [ROOT / page]))]
    assert drawn == [mermaid().strip() + "\n"]


@pytest.mark.parametrize("page", ["README.md", "docs/reference.md"])
def test_the_exit_codes_are_those_of_the_program(page):
    section = (ROOT / page).read_text(encoding="utf-8").partition("## Exit codes")[2]
    listed = {
        int(code)
        for code in re.findall(r"^\| (\d+) \|", section.partition("\n## ")[0], re.MULTILINE)
    }
    assert listed == {*_BY_STATUS.values(), 2}
    assert listed == {int(code) for code in re.findall(r"(?<=  )(\d+)  ", EPILOG)}


# --- Links and names ------------------------------------------------------------------------------


def anchor(heading):
    """The anchor that a heading gets."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", MORE_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if target.startswith("http"):
            continue
        path, _, fragment = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        if fragment:
            headings = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert fragment in map(anchor, headings), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_are_named_exist(page):
    for name in NAMED.findall(page.read_text(encoding="utf-8")):
        if "NNNN" not in name and "0026" not in name:
            assert (ROOT / name).exists(), name


def test_the_architecture_page_names_files_of_the_packages_that_exist():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    for name in re.findall(r"`((?:graph|journal|policy|prompting|evals)/[\w./]*)`", text):
        assert (ROOT / "orchestrator" / name).exists(), name
