"""Sample offices: real pictures, the same for the same seed, the truth kept outside."""

import hashlib
import json

import pytest
from PIL import Image

from desk.errors import OfficeError
from desk.samples import FEWEST, MOST, count_of, main, make_office, manifest
from desk.sampling.stories import STORIES


def digests(office):
    return {
        str(path.relative_to(office.root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(office.root.rglob("*"))
        if path.is_file() and ".git" not in path.parts
    }


def test_the_same_seed_makes_the_same_office(tmp_path):
    first = make_office(tmp_path / "a", seed=4, screenshots=3)
    second = make_office(tmp_path / "b", seed=4, screenshots=3)
    assert digests(first) == digests(second)
    assert [shot.words for shot in first.screenshots] == [s.words for s in second.screenshots]


def test_another_seed_makes_other_texts(tmp_path):
    titles = [
        tuple(
            s.title for s in make_office(tmp_path / str(seed), seed=seed, screenshots=4).screenshots
        )
        for seed in (1, 2)
    ]
    assert titles[0] != titles[1]


def test_the_count_is_left_to_the_seed_within_its_bounds(tmp_path):
    counts = {count_of(seed) for seed in range(200)}
    assert counts == set(range(FEWEST, MOST + 1))
    seed = next(seed for seed in range(200) if count_of(seed) == FEWEST)
    assert len(make_office(tmp_path / "o", seed=seed).screenshots) == FEWEST


def test_every_kind_is_drawn_as_a_picture_with_a_screenshot_name(tmp_path):
    office = make_office(tmp_path / "o", seed=2, screenshots=len(STORIES))
    assert len({shot.kind for shot in office.screenshots}) == len(STORIES)
    for shot in office.screenshots:
        assert shot.path.name.startswith("Screenshot 2026-")
        assert shot.words
        with Image.open(shot.path) as picture:
            assert picture.format == "PNG"
            assert picture.width >= 800


def test_other_files_lie_beside_the_screenshots_and_the_truth_does_not(tmp_path):
    office = make_office(tmp_path / "o", seed=2, screenshots=6)
    names = {path.name for path in office.others}
    assert {"notes.txt", "todo.md", "budget.csv"} <= names
    assert any(name.endswith(".docx") for name in names)
    assert any(name.startswith("IMG_") for name in names)
    assert any(path.parent != office.desktop for path in office.others)
    assert not any("manifest" in path.name for path in office.root.rglob("*"))


def test_an_office_is_never_made_over_other_files(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(OfficeError, match="not empty"):
        make_office(tmp_path, seed=1, screenshots=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("count", [-1, 2001])
def test_a_count_out_of_range_is_refused(tmp_path, count):
    with pytest.raises(OfficeError, match="between 0 and 2000"):
        make_office(tmp_path / "o", seed=1, screenshots=count)


def test_the_command_prints_the_manifest(tmp_path, capsys):
    assert main([str(tmp_path / "o"), "--seed", "3", "--count", "1", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["seed"] == 3
    assert set(printed["screenshots"][0]) == {"path", "kind", "title", "keywords", "words"}
    assert printed == manifest(make_office(tmp_path / "p", seed=3, screenshots=1)) | {
        "root": printed["root"],
        "desktop": printed["desktop"],
        "others": printed["others"],
        "screenshots": printed["screenshots"],
    }


def test_the_command_refuses_a_full_folder_with_a_message(tmp_path, capsys):
    (tmp_path / "x").touch()
    assert main([str(tmp_path)]) == 2
    assert "not empty" in capsys.readouterr().err
