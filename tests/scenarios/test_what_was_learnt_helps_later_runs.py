"""A completed run becomes a worked example and a nudge; what its tools returned stays out."""

import pytest

from orchestrator.core.errors import SettingsError
from orchestrator.learning import forget, learn_from, learnt_priors, with_learnt_examples
from orchestrator.policy.priors import NOTHING_LEARNT
from tests.fakes.office import LIBRARY, RENAME, Office, entries_of, screenshot_script, screenshots

pytestmark = pytest.mark.anyio


async def completed(count=2):
    office = Office(images=screenshots(count))
    return await entries_of(office.orchestrator(screenshot_script()).stream(office.request()))


async def test_a_completed_run_teaches_an_example_and_what_follows_what(tmp_path):
    found = learn_from([await completed()], tmp_path / "learnt")
    assert (found.runs, found.tools, len(found.examples)) == (1, 4, 1)
    priors = learnt_priors(tmp_path / "learnt")
    assert priors.moves["text"] == {RENAME: 1}
    learnt = with_learnt_examples(LIBRARY, tmp_path / "learnt")
    assert [e.goal for e in learnt.examples if e not in LIBRARY.examples] == [
        "Rename the screenshots after what they show."
    ]


async def test_a_goal_is_learnt_once_and_a_broken_run_not_at_all(tmp_path):
    office = Office(images=screenshots(1))
    broken = await entries_of(office.orchestrator([]).stream(office.request()))
    found = learn_from([await completed(), await completed(), broken], tmp_path / "learnt")
    assert (found.runs, len(found.examples)) == (2, 1)


async def test_nothing_that_a_picture_said_is_kept(tmp_path):
    learn_from([await completed()], tmp_path / "learnt")
    kept = "".join(p.read_text() for p in (tmp_path / "learnt").rglob("*") if p.is_file())
    assert "Invoice" not in kept
    assert "Lisbon" not in kept


def test_a_fresh_machine_has_learnt_nothing_and_forgetting_is_complete(tmp_path):
    assert learnt_priors(tmp_path) is NOTHING_LEARNT
    assert with_learnt_examples(LIBRARY, tmp_path).examples == LIBRARY.examples
    learn_from([], tmp_path / "learnt")
    forget(tmp_path / "learnt")
    assert not (tmp_path / "learnt").exists()


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "priors.json").write_text("{")
    with pytest.raises(SettingsError, match=r"priors.json is damaged"):
        learnt_priors(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be written"):
        learn_from([], tmp_path / "file" / "learnt")
