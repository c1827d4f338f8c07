"""The words: prompts and workflow examples, read once from their folder."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import Field, ValidationError, model_validator

from orchestrator.core.chat import Frozen
from orchestrator.core.errors import PromptError
from orchestrator.core.roles import Role

_SLOT = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_STEP = re.compile(r"\b(s\d{1,2})\.")
_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n(.*)\Z", re.DOTALL)
Model = TypeVar("Model", bound=Frozen)
PROMPT_NAMES = (
    "plan",
    "needs",
    "replan",
    "choose",
    "decide",
    "act",
    "arguments",
    "synthesize",
    "extract",
)


class Prompt(Frozen):
    """A text with slots, its version, and the digest that the journal cites."""

    name: str
    version: int = Field(gt=0)
    role: Role
    inputs: tuple[str, ...]
    purpose: str
    text: str

    @property
    def sha256(self) -> str:
        """The digest of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def citation(self) -> str:
        """How a journal names the prompt: version and the head of its digest."""
        return f"{self.version}#{self.sha256[:12]}"

    def render(self, **values: str) -> str:
        """Fill every slot.

        Raises:
            PromptError: A slot has no value, or a value has no slot.
        """
        if set(values) != set(self.inputs):
            odd = sorted(set(values) ^ set(self.inputs))
            raise PromptError(f"Prompt {self.name!r}: no slot or no value for {', '.join(odd)}.")
        return _SLOT.sub(lambda slot: values[slot.group(1)], self.text).strip()


class ExampleStep(Frozen):
    """One decision of a worked example, as it is asked and answered in a run."""

    id: str
    intent: str
    namespace: str
    over: str = ""
    where: str = ""
    only_if: str = ""
    wait_until: str = ""
    tools: tuple[str, ...]
    tool: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    values: tuple[str, ...] = ()
    result: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """The steps that it goes over, has a condition on, or takes an argument from."""
        said = f"{self.over}. {self.only_if} {self.arguments}"
        return tuple(dict.fromkeys(_STEP.findall(said)))


class WorkflowExample(Frozen):
    """A goal with its plan and the decision of each step, worked.

    A goal that needs no tool has an `answer` instead, one that cannot be understood a `question`.
    """

    name: str
    goal: str
    steps: tuple[ExampleStep, ...] = ()
    answer: str = ""
    question: str = ""

    @model_validator(mode="after")
    def _one_of(self) -> "WorkflowExample":
        if sum(map(bool, (self.steps, self.answer, self.question))) != 1:
            raise ValueError("An example has steps, or an answer, or a question.")
        return self


class Library(Frozen):
    """Every prompt by name, and the workflow examples in the order of their names."""

    prompts: dict[str, Prompt]
    examples: tuple[WorkflowExample, ...]

    def prompt(self, name: str) -> Prompt:
        """The prompt of that name."""
        return self.prompts[name]

    def with_examples(self, more: Iterable[WorkflowExample]) -> "Library":
        """The same with further examples, such as those of the user's own runs."""
        return self.model_copy(update={"examples": (*self.examples, *more)})

    @property
    def citations(self) -> dict[str, str]:
        """What a journal cites of the prompts, by name."""
        return {name: prompt.citation for name, prompt in self.prompts.items()}


def load_library(folder: Path) -> Library:
    """Read prompts and examples from a folder.

    Raises:
        PromptError: A file is missing or cannot be used; it names the file and the field.
    """
    prompts = {name: _prompt(folder / f"{name}.md") for name in PROMPT_NAMES}
    return Library(prompts=prompts, examples=load_examples(folder / "workflows"))


def load_examples(folder: Path) -> tuple[WorkflowExample, ...]:
    """Read the workflow examples of a folder, in the order of their names.

    Raises:
        PromptError: A file cannot be used; it names the file and the field.
    """
    return tuple(_example(path) for path in sorted(folder.glob("*.yaml")))


def lock_lines(library: Library) -> str:
    """The text of prompts.lock: name, version and sha256 of each prompt."""
    rows = [f"{p.name} {p.version} {p.sha256}" for p in library.prompts.values()]
    return "\n".join(rows) + "\n"


def lock_problems(library: Library, lock: str) -> list[str]:
    """Where the prompts differ from their lock: a text that changed without its version."""
    locked = {row.split()[0]: row.split()[1:] for row in lock.splitlines() if row.strip()}
    problems = []
    for prompt in library.prompts.values():
        version, sha256 = locked.get(prompt.name, ["0", ""])
        if sha256 != prompt.sha256:
            same = str(prompt.version) == version
            problems.append(
                f"{prompt.name}.md changed without a new version"
                if same
                else f"{prompt.name}.md is not locked at version {prompt.version}"
            )
    return problems


def _prompt(path: Path) -> Prompt:
    match = _FRONT_MATTER.match(_read(path))
    if match is None:
        raise PromptError(f"{path.name} does not begin with YAML front matter.")
    prompt = _validated(Prompt, {**_yaml(match.group(1), path), "text": match.group(2)}, path)
    slots = set(_SLOT.findall(prompt.text))
    if slots != set(prompt.inputs):
        odd = sorted(slots ^ set(prompt.inputs))
        raise PromptError(f"{path.name}: slots and inputs differ in {', '.join(odd)}.")
    return prompt


def _example(path: Path) -> WorkflowExample:
    return _validated(WorkflowExample, _yaml(_read(path), path), path)


def _yaml(text: str, path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise PromptError(f"{path.name} is not YAML: {error}") from error
    if not isinstance(data, dict):
        raise PromptError(f"{path.name} holds no keys and values.")
    return data


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise PromptError(
            f"{path} cannot be read: {error.strerror}.",
            hint="Restore the prompts folder from the release.",
        ) from error


def _validated(model: type[Model], data: Mapping[str, Any], path: Path) -> Model:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise PromptError(f"{path.name}: {where}: {first['msg']}.") from error
