"""`ferryman run` without a goal: real servers, OCR and files; only the models are scripted."""

import json
import re

import pytest

from desk.samples import make_office
from orchestrator.cli.office import GOAL
from orchestrator.evals.report import Report
from tests.fakes.command_line import CommandLine

pytestmark = [pytest.mark.desk, pytest.mark.timeout(280)]

SEED = 5
PLANNER = [
    {
        "steps": [
            {
                "id": f"s{at}",
                "intent": intent,
                "namespace": space,
                "over": over,
                "where": "name contains screenshot" if over == "s1" else "",
            }
            for at, (intent, space, over) in enumerate(
                [
                    ("list the files on the Desktop", "filesystem", ""),
                    ("read the text in each screenshot", "ocr", "s1"),
                    ("write a short file name from the text", "text", "s2"),
                    ("rename each screenshot to its new file name", "filesystem", "s3"),
                ],
                1,
            )
        ]
    },
    "filesystem.list_dir",
    {"path": "$folder.Desktop"},
    "ocr.extract_text_from_image",
    {"path": "$s1.path"},
    "text.write",
    {"text": "$s2.text", "instruction": "a short file name", "form": "file name"},
    "filesystem.rename_file",
    {"path": "$s2.path", "new_name": "$s3.value"},
]
COMMON = {"their", "there", "would", "could", "about", "after", "before", "please", "thank"}


def names_for(office):
    """A name for each screenshot, out of the words that it shows, in the order of the files.

    Long plain words are the ones that are read without a mistake, and no other word is admitted.
    """
    for shot in sorted(office.screenshots, key=lambda shot: shot.path.name):
        words = re.findall(r"\b[a-z]{5,12}\b", " ".join(shot.words).lower())
        yield "-".join([w for w in dict.fromkeys(words) if w not in COMMON][:3])


@pytest.fixture
def demo(tmp_path):
    office = make_office(tmp_path / "same", seed=SEED)
    names = [{"value": name} for name in names_for(office)]
    command = CommandLine(tmp_path, planner=PLANNER, answers=[*names, "Every one has a new name."])
    command.config.write_text("{}")
    return command, len(names)


def test_the_demo_renames_every_screenshot_and_the_bare_loop_is_told_honestly(demo):
    command, count = demo
    report = str(command.home / "report.json")
    done = command.run("run", "--bare", "--seed", str(SEED), "--json", report, seconds=240)
    assert done.returncode == 0, done.stderr + done.stdout
    told = json.loads((command.home / "report.json").read_text())
    ours, bare = (Report.model_validate(told[arm]) for arm in ("ferryman", "bare"))
    assert ours.status == "completed"
    assert ours.goal == GOAL
    assert ours.seed == SEED
    assert len(ours.renames) == count
    assert all(rename.confirmed and rename.because for rename in ours.renames)
    assert ours.untouched is True
    assert ours.missing == ()
    assert ours.scope.tools >= 59
    assert ours.scope.namespaces >= 13
    assert ours.shown_max <= 12
    assert ours.crossings == ("filesystem", "ocr", "text", "filesystem")
    assert ours.calls.identical_executed == 0
    assert bare.status == "incomplete"
    assert len(bare.missing) == count
    assert bare.untouched is True
    assert bare.shown_max == bare.scope.tools == ours.scope.tools
    assert "The same goal, model and tools" in done.stdout


def test_the_bare_loop_is_never_let_into_a_folder_of_the_users(demo):
    command, _ = demo
    done = command.run("run", "--bare", "--path", str(command.inbox))
    assert done.returncode == 2
    assert "the bare loop renames without asking" in done.stderr
