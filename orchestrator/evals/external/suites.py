"""The suites of others by name, each loaded from its fetched package or a folder of files."""

from collections.abc import Callable, Mapping
from pathlib import Path

from orchestrator.core.errors import SettingsError
from orchestrator.evals.cases import Suite
from orchestrator.evals.external import localcowork, nestful
from orchestrator.evals.external.bfcl_multi_turn import load_multi_turn
from orchestrator.evals.external.call_or_not import CATEGORIES, load_call_or_not
from orchestrator.evals.external.fetching import BFCL, is_fetched

SuiteLoader = Callable[[Path | None, Path], Suite]
"""Loads a suite from a folder of data files (or None) and the evaluation cache."""


def external_suites() -> Mapping[str, SuiteLoader]:
    """Name every suite of others that can be loaded, where its files are there.

    Each loader raises SettingsError, with what to do as its hint, where they are not.
    """
    return {
        "bfcl-multi-turn": _multi_turn,
        "bfcl-irrelevance": _call_or_not,
        "localcowork-single": lambda data, _cache: localcowork.load_single(
            _folder(data, localcowork.FOLDER, localcowork.SINGLE)
        ),
        "localcowork-chains": lambda data, _cache: localcowork.load_chains(
            _folder(data, localcowork.FOLDER, localcowork.CHAINS)
        ),
        "nestful": lambda data, _cache: nestful.load_nestful(
            _folder(data, nestful.FOLDER, nestful.PLANS)
        ),
    }


def _multi_turn(data: Path | None, cache: Path) -> Suite:
    return load_multi_turn(_package(data, cache), _found(data, BFCL, "multi_turn_base.dev.jsonl"))


def _call_or_not(data: Path | None, cache: Path) -> Suite:
    samples = _found(data, BFCL, f"{next(iter(CATEGORIES))}.dev.jsonl")
    return load_call_or_not(None if samples else _package(data, cache), samples)


def _package(data: Path | None, cache: Path) -> Path:
    """The folder of the fetched package: in the cache, or the data folder itself."""
    places = [cache / BFCL, *([data] if data else [])]
    found = next((place for place in places if is_fetched(place)), None)
    if found is None:
        raise SettingsError(
            f"{cache / BFCL} does not hold BFCL's simulators.",
            hint="Run `ferryman eval fetch bfcl`.",
        )
    return found


def _folder(data: Path | None, inner: str, file: str) -> Path:
    found = _found(data, inner, file)
    if found is None:
        where = f"{data} does not hold it" if data else "no folder was given"
        raise SettingsError(
            f"The suite's file {file} is needed, and {where}.",
            hint=f"Give the folder that holds {file}, itself or in {inner}/, with --data.",
        )
    return found


def _found(data: Path | None, inner: str, file: str) -> Path | None:
    places = [data, data / inner] if data else []
    return next((place for place in places if (place / file).is_file()), None)
