"""A keyed effect happens once, also when the server is killed at any point."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from desk.errors import OfficeError
from desk.files import effects as module
from desk.files.effects import Effects, Relocation, move_without_replacing, staged_file

CALL = {"tool": "rename_file"}


class Killed(BaseException):
    """Stands for SIGKILL: nothing below catches it."""


@pytest.fixture
def make(tmp_path):
    opened = []

    def factory():
        opened.append(Effects(tmp_path / "state"))
        return opened[-1]

    yield factory
    for effects in opened:
        effects.close()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "old.png"
    path.write_text("content")
    return path


def rename_to(file, name):
    return lambda _: Relocation.plan(file, file.with_name(name), style="dash")


def test_a_repeated_key_returns_the_first_result_and_does_nothing(make, file):
    effects = make()
    first = effects.once("k", CALL, rename_to(file, "new.png"))
    file.write_text("somebody else's")
    assert effects.once("k", CALL, rename_to(file, "new.png")) == first
    assert file.read_text() == "somebody else's"
    assert sorted(path.name for path in file.parent.glob("*.png")) == ["new.png", "old.png"]


def test_a_key_survives_a_restart(make, file):
    first = make().once("k", CALL, rename_to(file, "new.png"))
    assert make().once("k", CALL, rename_to(file, "new.png")) == first


def test_a_key_is_refused_for_another_call(make, file):
    effects = make()
    effects.once("k", CALL, rename_to(file, "new.png"))
    with pytest.raises(OfficeError, match="already used"):
        effects.once("k", {"tool": "move_file"}, rename_to(file, "new.png"))


def test_calls_without_a_key_are_separate(make, file):
    effects = make()
    effects.once(None, CALL, rename_to(file, "new.png"))
    file.write_text("second")
    done = effects.once(None, CALL, rename_to(file, "new.png"))
    assert Path(done.destination).name == "new-2.png"


def test_a_taken_name_gets_a_suffix_and_nothing_is_overwritten(make, file):
    (file.parent / "new.png").write_text("precious")
    done = make().once("k", CALL, rename_to(file, "new.png"))
    assert Path(done.destination).name == "new-2.png"
    assert (file.parent / "new.png").read_text() == "precious"


def test_a_name_taken_between_plan_and_effect_is_not_overwritten(make, file, monkeypatch):
    real, target = module.move_without_replacing, file.with_name("new.png")

    def late(source, destination):
        if not target.exists():
            target.write_text("precious")
        real(source, destination)

    monkeypatch.setattr(module, "move_without_replacing", late)
    done = make().once("k", CALL, rename_to(file, "new.png"))
    assert Path(done.destination).name == "new-2.png"
    assert target.read_text() == "precious"


def test_renaming_to_the_same_name_changes_nothing(make, file):
    done = make().once("k", CALL, rename_to(file, file.name))
    assert (done.source, done.destination) == (str(file), str(file))
    assert file.read_text() == "content"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_around_the_effect_is_finished_by_the_repetition(make, file, monkeypatch, moment):
    real = module.move_without_replacing

    def dying(source, destination):
        if moment == "after":
            real(source, destination)
        raise Killed

    monkeypatch.setattr(module, "move_without_replacing", dying)
    with pytest.raises(Killed):
        make().once("k", CALL, rename_to(file, "new.png"))
    monkeypatch.setattr(module, "move_without_replacing", real)
    done = make().once("k", CALL, rename_to(file, "new.png"))
    assert Path(done.destination).name == "new.png"
    assert sorted(path.name for path in file.parent.glob("*.png")) == ["new.png"]


def test_a_kill_between_link_and_unlink_leaves_one_name_after_the_repetition(
    make, file, monkeypatch
):
    def half(source, destination):
        os.link(source, destination)
        raise Killed

    monkeypatch.setattr(module, "move_without_replacing", half)
    with pytest.raises(Killed):
        make().once("k", CALL, rename_to(file, "new.png"))
    make().once("k", CALL, rename_to(file, "new.png"))
    assert sorted(path.name for path in file.parent.glob("*.png")) == ["new.png"]


def test_staged_content_is_written_once_after_a_kill(make, tmp_path, monkeypatch):
    target = tmp_path / "note.txt"

    def plan(key):
        return Relocation.plan(staged_file(tmp_path, key, b"text"), target)

    def dying(source, destination):
        raise Killed

    monkeypatch.setattr(module, "move_without_replacing", dying)
    with pytest.raises(Killed):
        make().once("k", CALL, plan)
    monkeypatch.undo()
    for _ in range(2):
        assert make().once("k", CALL, plan).destination == str(target)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["note.txt"]


def test_an_entry_moved_on_by_somebody_else_is_reported_not_guessed(make, file, monkeypatch):
    def dying(source, destination):
        raise Killed

    monkeypatch.setattr(module, "move_without_replacing", dying)
    with pytest.raises(Killed):
        make().once("k", CALL, rename_to(file, "new.png"))
    file.rename(file.with_name("elsewhere.png"))
    with pytest.raises(OfficeError, match="changed by somebody else"):
        make().once("k", CALL, rename_to(file, "new.png"))


def test_folders_move_without_replacing_where_the_kernel_cannot_help(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_renameat2", lambda source, destination: False)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_text(name)
    with pytest.raises(FileExistsError):
        move_without_replacing(str(tmp_path / "a"), str(tmp_path / "b"))
    move_without_replacing(str(tmp_path / "a"), str(tmp_path / "c"))
    assert (tmp_path / "c" / "f").read_text() == "a"
    move_without_replacing(str(tmp_path / "c" / "f"), str(tmp_path / "g"))
    with pytest.raises(FileExistsError):
        move_without_replacing(str(tmp_path / "b" / "f"), str(tmp_path / "g"))


SCRIPT = """
import os, signal, sys
from pathlib import Path
from desk.files import effects as module
from desk.files.effects import Effects, Relocation
moment, folder = sys.argv[1], Path(sys.argv[2])
real = module.move_without_replacing
def dying(source, destination):
    if moment == "after":
        real(source, destination)
    os.kill(os.getpid(), signal.SIGKILL)
module.move_without_replacing = dying
plan = lambda key: Relocation.plan(folder / "old.png", folder / "new.png", style="dash")
Effects(folder / "state").once("k", {"tool": "rename_file"}, plan)
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_real_sigkill_runs_the_effect_once(make, file, moment):
    here = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, moment, str(file.parent)], cwd=here, check=False
    )
    assert done.returncode == -9
    make().once("k", CALL, rename_to(file, "new.png"))
    assert sorted(path.name for path in file.parent.glob("*.png")) == ["new.png"]


def test_a_folder_move_that_fails_takes_its_reservation_back(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_renameat2", lambda source, destination: False)
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="Invalid argument"):
        move_without_replacing(str(tmp_path / "a"), str(tmp_path / "a" / "b"))
    assert list((tmp_path / "a").iterdir()) == []


def test_staging_again_replaces_what_a_kill_left_read_only(tmp_path):
    staged_file(tmp_path, "k", b"half", mode=0o400)
    path = staged_file(tmp_path, "k", b"whole", mode=0o600)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"whole", 0o600)
