"""The known models as data: what each file must be, and which published wheels carry it."""

from functools import cache
from pathlib import Path
from typing import Literal

import yaml

from orchestrator.core.chat import Frozen


class Part(Frozen):
    """One member of one published wheel; `sha256` is the digest of the whole wheel.

    `tag` names the wheel (`cp311-manylinux2014_x86_64`) where a release has one for each
    interpreter and platform: what is taken out of it runs nowhere, so one serves everywhere.
    """

    package: str
    version: str
    sha256: str
    member: str
    tag: str = ""


class WeightsFile(Frozen):
    """A file of a model, made by joining its parts in order."""

    name: str
    bytes: int
    sha256: str
    parts: tuple[Part, ...] = ()


class CatalogueEntry(Frozen):
    """A model that can be pulled by name."""

    name: str
    kind: Literal["gguf", "embedding"]
    licence: str
    about: str
    files: tuple[WeightsFile, ...]

    @property
    def bytes(self) -> int:
        """Give the size of all files together."""
        return sum(file.bytes for file in self.files)


class Catalogue(Frozen):
    """Every model that can be pulled by name."""

    models: tuple[CatalogueEntry, ...]

    def find(self, name: str) -> CatalogueEntry | None:
        """Look a model up by its name."""
        return next((entry for entry in self.models if entry.name == name), None)


@cache
def built_in() -> Catalogue:
    """Read the catalogue that ships with this package."""
    text = Path(__file__).with_name("weights.yaml").read_text(encoding="utf-8")
    return Catalogue.model_validate(yaml.safe_load(text))
