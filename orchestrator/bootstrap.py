"""The composition root: settings, accepted decision records and adapters become one orchestrator.

The only module that imports the adapters.
"""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from logging import Handler
from pathlib import Path
from typing import Any, TextIO

from adapters.backends.profiles import get_profile, profile_for
from adapters.backends.shared import SharedBackend
from adapters.backends.weights import ModelStore
from adapters.clock import SystemClock
from adapters.observers import metrics_sink, sinks
from adapters.registry import Surroundings, build_backend
from adapters.retrieval.available import available
from adapters.retrieval.lexical import LexicalRetriever
from adapters.secrets import redactor_of
from adapters.stores.blobs import FolderBlobs
from adapters.stores.sqlite import SqliteStore
from adapters.tools.combined import CombinedToolset
from adapters.tools.mcp_config import read_servers
from adapters.tools.mcp_lazy import LazyMcpToolset
from adapters.tools.mcp_manifest import ManifestCache
from adapters.tools.redacted import RedactedToolset
from adapters.tools.text import SPECS as TEXT_SPECS
from adapters.tools.text import TextToolset
from adapters.traces.logs import log_handler
from orchestrator.core.errors import SettingsError
from orchestrator.core.events import Entry, ModelInfo
from orchestrator.core.roles import ROLES, Binding, Profile, Role
from orchestrator.decisions.reader import read_folder
from orchestrator.decisions.resolve import resolve
from orchestrator.evals.workbench import Workbench
from orchestrator.graph.context import Player
from orchestrator.journal.writer import Journal
from orchestrator.learning import Learnt, learn_from, learnt_priors, with_learnt_examples
from orchestrator.policy.catalogue import Catalogue, build_catalogue
from orchestrator.ports.retrieval import Retriever
from orchestrator.ports.tools import Toolset
from orchestrator.ports.traces import Metrics, QueueObserver, TraceSink
from orchestrator.prompting.examples import Similarity, by_retriever, by_words
from orchestrator.prompting.library import Library, load_library
from orchestrator.runtime import Orchestrator, Parts
from orchestrator.settings import Settings, office_config, read_config

EMBEDDING_MODEL = "all-minilm-l6-v2"


@asynccontextmanager
async def open_orchestrator(
    settings: Settings | None = None, *, context_tokens: int = 0, metrics: Metrics | None = None
) -> AsyncIterator[Orchestrator]:
    """Build an orchestrator from settings and close everything it opened afterwards.

    Args:
        settings: What the operator set; the environment's when left out.
        context_tokens: The least context of every model, where its profile has less: for a
            baseline that puts every tool into one prompt.
        metrics: Counts what its runs do.

    Raises:
        ConfigurationError: Something that the operator wrote or left out keeps it from starting.
    """
    settings = settings or Settings.load()
    library = with_learnt_examples(load_library(settings.prompts_dir), learnt_folder(settings))
    async with AsyncExitStack() as opened:
        roles, models = await build_roles(
            settings, opened, context_tokens=context_tokens, queues=metrics
        )
        store = opened.enter_context(open_store(settings))
        text = text_toolset(roles["synthesizer"], library)
        toolset = await opened.enter_async_context(CombinedToolset([*mcp_toolsets(settings), text]))
        redactor = redactor_of(settings)
        safe = toolset if redactor.idle else RedactedToolset(toolset, redactor)
        yield Orchestrator(
            Parts(
                roles=roles,
                models=models,
                toolset=safe,
                catalogue=index_tools(settings, safe),
                library=library,
                store=store,
                blobs=FolderBlobs(settings.state_dir / "blobs"),
                clock=SystemClock(),
                similarity=similarity(settings),
                retrievers=tuple(retrievers(settings, kept=False)),
                rules=settings.rules,
                parallel_calls=settings.config.parallel_calls,
                approval_s=settings.config.service.approval_s,
                unavailable={ns: redactor.text(e.message) for ns, e in toolset.unavailable.items()},
                lock=store.run_lock,
                warm=toolset.warm,
                traces=(*trace_sinks(settings, models, opened), *([metrics] if metrics else [])),
            )
        )


@asynccontextmanager
async def open_workbench(
    settings: Settings, *, folder: Path, context_tokens: int = 0, parallel: int = 0
) -> AsyncIterator[Workbench]:
    """Load the models once for an evaluation; its journals and results are kept in `folder`.

    Args:
        settings: What the operator set.
        folder: The evaluation's own folder.
        context_tokens: The least context of every model.
        parallel: How many conversations an embedded model keeps warm at once; 0 leaves it to
            the binding.

    Raises:
        ConfigurationError: Something keeps the models from being loaded.
    """
    library = load_library(settings.prompts_dir)
    async with AsyncExitStack() as opened:
        roles, models = await build_roles(
            settings, opened, context_tokens=context_tokens, parallel=parallel
        )
        own = settings.model_copy(update={"state_dir": folder})
        store = opened.enter_context(open_store(own))
        text = text_toolset(roles["synthesizer"], library)

        @asynccontextmanager
        async def office_tools(root: Path, state: Path) -> AsyncIterator[Toolset]:
            names = {"PYTHON": sys.executable, "OFFICE": str(root), "STATE": str(state)}
            config = read_config(office_config(), names)
            served = settings.model_copy(update={"config": config})
            async with CombinedToolset([*mcp_toolsets(served), text]) as toolset:
                yield toolset

        yield Workbench(
            roles=roles,
            models=models,
            library=library,
            store=store,
            blobs=FolderBlobs(folder / "blobs"),
            clock=SystemClock(),
            rules=settings.rules,
            retrievers=retrievers(settings),
            similarity=similarity(settings),
            office_tools=office_tools,
        )


def service_logs(settings: Settings, stream: TextIO) -> Handler:
    """What writes the log of the service, without secrets."""
    return log_handler(stream, redactor=redactor_of(settings))


def open_metrics(settings: Settings) -> Metrics | None:
    """What counts for a Prometheus server, where that is installed."""
    return metrics_sink(redactor=redactor_of(settings))


def trace_sinks(
    settings: Settings, models: Sequence[ModelInfo], opened: AsyncExitStack
) -> tuple[TraceSink, ...]:
    """The log file and the spans that the operator asked for, if any.

    Raises:
        SettingsError: The file cannot be written, or OpenTelemetry is not installed.
    """
    wanted = sinks(settings.log, settings.telemetry, models=models, redactor=redactor_of(settings))
    return tuple(opened.enter_context(sink) for sink in wanted)


def open_store(settings: Settings) -> SqliteStore:
    """The journal's store in the state folder.

    Raises:
        SettingsError: The folder cannot be made.
        JournalError: The journal in it cannot be opened.
    """
    try:
        settings.state_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"The state folder {settings.state_dir} cannot be written: {error.strerror}.",
            hint="Make it writable and make room, or set XDG_STATE_HOME to another folder.",
        ) from error
    return SqliteStore(settings.state_dir / "journal.db")


async def read_run(settings: Settings, name: str) -> list[Entry]:
    """Give the journal of the run that a person names, with every payload in full.

    Raises:
        JournalError: No run or more than one is called so, or its journal was changed.
    """
    with open_store(settings) as store:
        run_id = await store.find(name)
        blobs = FolderBlobs(settings.state_dir / "blobs")
        journal = await Journal.load(store, blobs, clock=SystemClock(), run_id=run_id)
        return journal.entries()


def model_store(settings: Settings) -> ModelStore:
    """The pulled weights in the cache folder."""
    return ModelStore(settings.models_dir)


@asynccontextmanager
async def open_tools(
    settings: Settings, *, refresh: bool = False
) -> AsyncIterator[CombinedToolset]:
    """Open the servers of the config file, and nothing else; `refresh` starts every one."""
    async with CombinedToolset(mcp_toolsets(settings, refresh=refresh)) as toolset:
        yield toolset


def bindings(settings: Settings) -> dict[Role, Binding]:
    """The accepted binding of each role.

    Raises:
        DecisionRecordError: A role has none or several.
    """
    return resolve(read_folder(settings.adr_dir))


async def build_roles(
    settings: Settings,
    opened: AsyncExitStack,
    *,
    context_tokens: int = 0,
    parallel: int = 0,
    queues: QueueObserver | None = None,
) -> tuple[dict[Role, Player], tuple[ModelInfo, ...]]:
    """Build the backend of each role; roles with the same binding share one, and its queue."""
    bound = bindings(settings)
    built: dict[str, SharedBackend] = {}
    roles: dict[Role, Player] = {}
    models: list[ModelInfo] = []
    for role in ROLES:
        binding = _with_slots(_with_override(bound[role], settings), parallel)
        around = _surroundings(binding, settings)
        profile = _roomy(get_profile(binding.profile), context_tokens)
        same = f"{binding.backend} {binding.model} {sorted(binding.options.items())}"
        if same not in built:
            backend = build_backend(binding, profile=profile, around=around)
            _close_later(backend, opened)
            built[same] = SharedBackend(
                backend,
                name=f"{binding.backend} {Path(binding.model).name}",
                clock=around.clock,
                redactor=redactor_of(settings),
                queues=queues,
            )
        roles[role] = Player(backend=built[same].for_role(role), profile=profile)
        models.append(
            ModelInfo(
                role=role,
                backend=binding.backend,
                model=binding.model,
                sha256=around.model_sha256,
                record=binding.record,
            )
        )
    return roles, tuple(models)


def _roomy(profile: Profile, context_tokens: int) -> Profile:
    roomy = max(profile.context_tokens, context_tokens)
    return profile.model_copy(update={"context_tokens": roomy})


def _close_later(backend: Any, opened: AsyncExitStack) -> None:
    if hasattr(backend, "close"):
        opened.push_async_callback(backend.close)


def _with_slots(binding: Binding, parallel: int) -> Binding:
    if binding.backend != "embedded" or not parallel:
        return binding
    return binding.model_copy(update={"options": {**binding.options, "parallel": parallel}})


def _with_override(binding: Binding, settings: Settings) -> Binding:
    if binding.backend == "embedded" and settings.embedded_model:
        return binding.model_copy(
            update={
                "model": settings.embedded_model,
                "profile": profile_for(settings.embedded_model, otherwise=binding.profile),
            }
        )
    return binding


def _surroundings(binding: Binding, settings: Settings) -> Surroundings:
    path, sha256 = None, ""
    if binding.backend == "embedded":
        path, sha256 = model_store(settings).resolve(binding.model)
    return Surroundings(
        clock=SystemClock(),
        base_url=settings.base_url or None,
        api_key=settings.api_key,
        model_path=path,
        model_sha256=sha256,
    )


def mcp_toolsets(settings: Settings, *, refresh: bool = False) -> list[LazyMcpToolset]:
    """A toolset for each server of the config file, not yet started.

    Their tools are remembered in the cache folder; `refresh` asks every server anew.

    Raises:
        SettingsError: A server's block cannot be used.
    """
    manifests = ManifestCache(settings.cache_dir / "manifests")
    servers = read_servers(settings.config.mcpServers, source=settings.config_path)
    return [
        LazyMcpToolset(
            name,
            config,
            manifests=manifests,
            block=settings.config.identities.get(name, ""),
            refresh=refresh,
        )
        for name, config in servers.items()
        if not config.disabled
    ]


def text_toolset(player: Player, library: Library) -> TextToolset:
    """The built-in namespace `text`, played by the synthesizer."""
    prompt = library.prompt("extract")
    return TextToolset(
        player.backend,
        lambda instruction, form, text: prompt.render(
            instruction=instruction, form=form, text=text
        ),
        sampling=player.profile.sampling,
    )


def index_tools(settings: Settings, toolset: Toolset) -> Catalogue:
    """Index the tools in scope: by words, and by meaning where the embedding is there."""
    priors = learnt_priors(learnt_folder(settings))
    return build_catalogue(toolset.specs, retrievers(settings), priors=priors)


def learnt_folder(settings: Settings) -> Path:
    """Where what was learnt from the user's own runs is kept."""
    return settings.state_dir / "learnt"


async def learn_from_journals(settings: Settings, *, most: int) -> Learnt:
    """Learn from the newest completed runs of the state folder.

    Raises:
        JournalError: A journal cannot be read, or was changed.
        SettingsError: What was learnt cannot be written.
    """
    with open_store(settings) as store:
        heads = await store.heads(most)
    done = [head.run_id for head in heads if head.status == "completed"]
    runs = [await read_run(settings, run_id) for run_id in done]
    return learn_from(runs, learnt_folder(settings))


def index_scope(settings: Settings, toolset: Toolset) -> Catalogue:
    """Index what a run would have in scope: the servers' tools and the built-in ones."""
    return build_catalogue((*toolset.specs, *TEXT_SPECS), retrievers(settings))


def similarity(settings: Settings) -> Similarity:
    """How a step is compared with worked examples: by meaning where the embedding is there."""
    meaning = [found for found in retrievers(settings) if found.name == "minilm"]
    return by_retriever(meaning[0]) if meaning else by_words


def measuring_retrievers(settings: Settings) -> Sequence[Retriever]:
    """What the shortlist compares by, and plain words beside it as the baseline."""
    return (*retrievers(settings), LexicalRetriever(stems=False))


def retrievers(settings: Settings, *, kept: bool = True) -> Sequence[Retriever]:
    """Every way of comparing texts that this machine can do.

    What it computes is kept on disk, unless the texts are those of whoever sends a request.
    """
    vectors = settings.cache_dir / "vectors" if kept else None
    return available(model_store(settings).path, vectors)
