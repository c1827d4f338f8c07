"""Vectors on disk: what is known is not asked for, what is broken is made again."""

import numpy as np
import pytest

from adapters.retrieval.vectors import VectorCache


class Encoder:
    """Gives a text the vector (length, 1) and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, texts):
        self.asked += texts
        return np.array([[len(text), 1] for text in texts], dtype=np.float32)


@pytest.fixture
def encoder():
    return Encoder()


def cache(folder, model="model", width=2):
    return VectorCache(folder, model, width=width)


def test_without_a_folder_nothing_is_kept(encoder):
    store = cache(None)
    store.vectors(["a"], encoder)
    store.vectors(["a"], encoder)
    assert encoder.asked == ["a", "a"]


def test_only_new_texts_are_asked_for(tmp_path, encoder):
    cache(tmp_path).vectors(["a", "bb"], encoder)
    found = cache(tmp_path).vectors(["ccc", "bb"], encoder)
    assert encoder.asked == ["a", "bb", "ccc"]
    assert found.tolist() == [[3, 1], [2, 1]]


def test_a_repeated_text_is_asked_for_once(tmp_path, encoder):
    found = cache(tmp_path).vectors(["a", "a"], encoder)
    assert encoder.asked == ["a"]
    assert found.tolist() == [[1, 1], [1, 1]]


def test_no_texts_have_no_vectors(tmp_path, encoder):
    assert cache(tmp_path).vectors([], encoder).shape == (0, 2)
    assert encoder.asked == []


def test_models_do_not_share_vectors(tmp_path, encoder):
    cache(tmp_path, "one").vectors(["a"], encoder)
    cache(tmp_path, "other").vectors(["a"], encoder)
    assert encoder.asked == ["a", "a"]


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_file_is_made_again(tmp_path, encoder, damage):
    cache(tmp_path).vectors(["a"], encoder)
    [file] = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-40] if damage is None else damage)
    assert cache(tmp_path).vectors(["a"], encoder).tolist() == [[1, 1]]
    cache(tmp_path).vectors(["a"], encoder)
    assert encoder.asked == ["a", "a"]


def test_vectors_of_another_width_are_made_again(tmp_path, encoder):
    np.savez(tmp_path / "vectors-model.npz", keys=["x"], rows=np.zeros((1, 3), dtype=np.float32))
    assert cache(tmp_path).vectors(["a"], encoder).tolist() == [[1, 1]]


def test_a_file_without_vectors_is_made_again(tmp_path, encoder):
    np.savez(tmp_path / "vectors-model.npz", other=[1])
    assert cache(tmp_path).vectors(["a"], encoder).tolist() == [[1, 1]]


def test_a_folder_that_cannot_be_made_costs_nothing_but_time(tmp_path, encoder):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert cache(blocked / "cache").vectors(["a"], encoder).tolist() == [[1, 1]]


def test_nothing_half_written_stays_behind(tmp_path, encoder):
    cache(tmp_path).vectors(["a"], encoder)
    assert [file.name for file in tmp_path.iterdir()] == ["vectors-model.npz"]
