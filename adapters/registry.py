"""Finds the backend that a binding names and builds it, without importing the others.

Another package offers a backend through the entry-point group `ferryman.backends`: its name
leads to a `BackendFactory`. A name of ours cannot be taken over.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, SecretStr, ValidationError

from orchestrator.core.chat import Frozen
from orchestrator.core.errors import DecisionRecordError, SettingsError
from orchestrator.core.roles import Binding, CapabilityCard, Profile
from orchestrator.ports.chat import ChatBackend
from orchestrator.ports.clock import Clock

ENTRY_POINTS = "ferryman.backends"


@dataclass(frozen=True)
class Surroundings:
    """What this machine adds to a binding: none of it belongs into a decision record.

    Args:
        clock: Measures deadlines.
        base_url: Where the model server is; a binding's own `base_url` wins.
        api_key: What the model server asks for.
        model_path: The weights of the embedded model.
        model_sha256: The digest of those weights, where it was verified.
    """

    clock: Clock
    base_url: str | None = None
    api_key: SecretStr | None = None
    model_path: Path | None = None
    model_sha256: str = ""


BackendFactory = Callable[[Binding, Profile, Surroundings], ChatBackend]
Options = TypeVar("Options", bound=Frozen)


class ServerOptions(Frozen):
    """What a decision record may say of a model server; times are in seconds."""

    base_url: str = ""
    parallel: int | None = Field(default=None, gt=0)
    first_token_s: float = Field(default=180.0, gt=0)
    stall_s: float = Field(default=60.0, gt=0)
    enable_thinking: bool | None = None


class EmbeddedOptions(Frozen):
    """What a decision record may say of the embedded engine."""

    parallel: int = Field(default=2, gt=0)
    threads: int | None = Field(default=None, gt=0)
    verbose: bool = False


class FileOptions(Frozen):
    """Where the replies of a backend without a model are."""

    path: Path


def build_backend(binding: Binding, *, profile: Profile, around: Surroundings) -> ChatBackend:
    """Build the backend of a binding.

    Raises:
        DecisionRecordError: Nobody offers that backend, or it has no such option.
        SettingsError: Something that the backend needs is not installed or not set.
    """
    try:
        factory = FACTORIES.get(binding.backend) or _offered(binding)
        return factory(binding, profile, around)
    except ImportError as error:
        raise SettingsError(
            f"The backend {binding.backend!r} cannot be loaded: {error}.",
            hint=f"Install what it needs: pip install 'ferryman[{binding.backend}]'.",
        ) from error


def backend_names() -> tuple[str, ...]:
    """List every backend that a binding may name, ours first."""
    offered = {entry.name for entry in entry_points(group=ENTRY_POINTS)}
    return (*FACTORIES, *sorted(offered - FACTORIES.keys()))


def _offered(binding: Binding) -> BackendFactory:
    found = list(entry_points(group=ENTRY_POINTS, name=binding.backend))
    if not found:
        raise DecisionRecordError(
            f"{binding.record} binds the {binding.role} to the backend {binding.backend!r}, which "
            f"nobody offers. There are: {', '.join(backend_names())}."
        )
    factory: BackendFactory = found[0].load()
    return factory


def _embedded(binding: Binding, profile: Profile, around: Surroundings) -> ChatBackend:
    from adapters.backends.embedded import EmbeddedBackend

    if around.model_path is None:
        raise SettingsError(f"The weights of {binding.model!r}, embedded, are not known.")
    options = _options(EmbeddedOptions, binding)
    return EmbeddedBackend(
        around.model_path,
        name=binding.model,
        sha256=around.model_sha256,
        context_tokens=profile.context_tokens,
        parallel=options.parallel,
        threads=options.threads,
        verbose=options.verbose,
    )


def _openai(binding: Binding, _: Profile, around: Surroundings) -> ChatBackend:
    return _served(binding, around, card=CapabilityCard())


def _vllm(binding: Binding, _: Profile, around: Surroundings) -> ChatBackend:
    from adapters.backends.vllm import CARD

    return _served(binding, around, card=CARD)


def _llama_server(binding: Binding, _: Profile, around: Surroundings) -> ChatBackend:
    from adapters.backends.llama_server import CARD

    return _served(binding, around, card=CARD)


def _served(binding: Binding, around: Surroundings, *, card: CapabilityCard) -> ChatBackend:
    from adapters.backends.openai_chat import OpenAIChatBackend, Server, Timeouts, pooled_transport

    options = _options(ServerOptions, binding)
    base_url = options.base_url or around.base_url
    if not base_url:
        raise SettingsError(
            f"The backend {binding.backend!r} of the {binding.role} has no address.",
            hint=f"Set FERRYMAN_BASE_URL, or the option base_url in {binding.record}.",
        )
    server = Server(
        base_url,
        binding.model,
        card=card.model_copy(update={"parallel": options.parallel or card.parallel}),
        api_key=around.api_key,
        extra=_thinking(options),
        timeouts=Timeouts(first_token=options.first_token_s, stall=options.stall_s),
    )
    return OpenAIChatBackend(server, clock=around.clock, transport=pooled_transport(server))


def _thinking(options: ServerOptions) -> Mapping[str, Any]:
    if options.enable_thinking is None:
        return {}
    return {"chat_template_kwargs": {"enable_thinking": options.enable_thinking}}


def _scripted(binding: Binding, _: Profile, __: Surroundings) -> ChatBackend:
    from adapters.backends.scripted import ScriptedBackend

    path = _options(FileOptions, binding).path
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return ScriptedBackend([json.loads(line) for line in lines])
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"The script {path} of the {binding.role} cannot be read: {error}.",
            hint="A script is one JSON string or object a line.",
        ) from error


def _recorded(binding: Binding, _: Profile, __: Surroundings) -> ChatBackend:
    from adapters.backends.recorded import RecordedBackend

    return RecordedBackend(_options(FileOptions, binding).path)


def _options(kind: type[Options], binding: Binding) -> Options:
    try:
        return kind.model_validate(binding.options)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise DecisionRecordError(
            f"{binding.record} gives the backend {binding.backend!r} options it cannot use: "
            f"{wrong}.",
            hint=f"It knows {', '.join(kind.model_fields)}.",
        ) from error


FACTORIES: Mapping[str, BackendFactory] = {
    "embedded": _embedded,
    "openai": _openai,
    "vllm": _vllm,
    "llama-server": _llama_server,
    "scripted": _scripted,
    "recorded": _recorded,
}
