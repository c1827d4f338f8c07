"""An error is known by its code: no two kinds share one."""

import importlib
import pkgutil

import adapters
from orchestrator.core.errors import OrchestratorError


def kinds(error):
    return [error, *(kind for child in error.__subclasses__() for kind in kinds(child))]


def test_every_kind_of_error_has_a_code_of_its_own():
    for module in pkgutil.walk_packages(adapters.__path__, "adapters."):
        importlib.import_module(module.name)
    ours = [kind for kind in kinds(OrchestratorError) if not kind.__module__.startswith("test")]
    shared = [kind.__name__ for kind in ours if "code" not in vars(kind)]
    assert shared == []
    assert len({kind.code for kind in ours}) == len(ours)
