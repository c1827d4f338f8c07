"""llama.cpp inside this process: loading the weights, and running one request on a slot."""

import http.client
import json
import os
import secrets
import shutil
import socket
import tempfile
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from typing_extensions import override

from orchestrator.core.errors import BackendProtocolError, BackendUnavailable, ModelFileError

_MAGIC = b"GGUF"
# Small batches make a long prompt cancellable every few seconds on a CPU. Measured on two
# shared cores with a 1.5B model: 64 to 2048 tokens cost the same CPU time.
_BATCH_TOKENS = 128
_QUIET, _VERBOSE = -1, 3
# A socket's path is limited to 108 bytes by the operating system.
_SOCKET_PATH = 100


class Engine:
    """One loaded model with a fixed number of slots, each with its own prompt cache.

    Args:
        model_path: A GGUF file.
        context_tokens: The context of every slot.
        parallel: The number of slots.
        threads: CPU threads; all that this process may use when left out.
        verbose: Let the engine log to stderr.
    """

    def __init__(
        self,
        model_path: Path,
        *,
        context_tokens: int,
        parallel: int,
        threads: int | None = None,
        verbose: bool = False,
    ) -> None:
        self.model_path = model_path
        self.context_tokens = context_tokens
        self.parallel = parallel
        self.threads = threads or _usable_cpus()
        self._verbose = verbose
        self._key = secrets.token_urlsafe(24)
        self._tidy: weakref.finalize[..., Engine] | None = None
        self._server: Any = None
        self._loading = threading.Lock()

    def load(self) -> None:
        """Load the weights unless they are loaded; blocks, from one to many seconds.

        Raises:
            ModelFileError: The file is missing or is not a usable GGUF.
            BackendUnavailable: The engine is not installed, or memory does not suffice.
        """
        with self._loading:
            if self._server is None:
                _check_magic(self.model_path)
                self._server = self._start()

    def run(self, body: dict[str, Any], take: Callable[[dict[str, Any]], bool]) -> None:
        """Answer one request, blocking; stops soon after `take` returns True for a chunk."""
        self._server.handle_chat_completions(body, take)

    def count_tokens(self, text: str) -> int:
        """Count the tokens of a text, without the chat template's own.

        Raises:
            BackendProtocolError: The engine did not answer as it promises.
        """
        connection = _connection(self._server.listening_address)
        try:
            headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
            connection.request("POST", "/tokenize", json.dumps({"content": text}), headers)
            return len(json.loads(connection.getresponse().read())["tokens"])
        except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
            raise BackendProtocolError(f"The embedded engine counted no tokens: {error}") from error
        finally:
            connection.close()

    def close(self) -> None:
        """Free the weights; no request may be running."""
        with self._loading:
            self._server = None
            if self._tidy is not None:
                self._tidy()

    def _start(self) -> Any:
        engine = _engine_module()
        try:
            return engine.Server(self._params(engine))
        except RuntimeError as error:
            raise self._load_error() from error

    def _params(self, engine: Any) -> Any:
        params = engine.CommonParams()
        params.model.path = str(self.model_path)
        # The engine divides its context by the number of slots.
        params.n_ctx = self.context_tokens * self.parallel
        params.n_parallel = self.parallel
        params.kv_unified = False
        params.n_batch = params.n_ubatch = _BATCH_TOKENS
        params.cpuparams.n_threads = self.threads
        params.cpuparams_batch.n_threads = self.threads
        # A shifted context would drop the front of a prompt without a word.
        params.ctx_shift = False
        # Replies are read as they are: no parsing of reasoning or tool calls out of the text.
        params.force_pure_content_parser = True
        # Slots keep their prompts; the engine's second cache would take up to 8 GiB.
        params.cache_ram_mib = 0
        params.verbosity = _VERBOSE if self._verbose else _QUIET
        params.ui = False
        params.endpoint_slots = False
        self._hide_listener(params)
        return params

    def _hide_listener(self, params: Any) -> None:
        # The engine always listens; a private socket and a random key keep others out.
        folder = tempfile.mkdtemp(prefix="ferryman-")
        self._tidy = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        path = str(Path(folder) / "engine.sock")
        if hasattr(socket, "AF_UNIX") and len(path) <= _SOCKET_PATH:
            params.hostnames = [path]
        params.port = 0
        params.api_keys = [self._key]

    def _load_error(self) -> ModelFileError | BackendUnavailable:
        have, size = _available_bytes(), self.model_path.stat().st_size
        if have is not None and have < size:
            return BackendUnavailable(
                f"{self.model_path.name} needs more than {size / 1e9:.1f} GB of memory and "
                f"{have / 1e9:.1f} GB are available.",
                hint="Choose a smaller model, a smaller context, or free memory.",
            )
        return ModelFileError(
            f"The engine cannot load {self.model_path}: the file is damaged or of a kind this "
            "version does not know.",
            hint="Run `ferryman models verify`; `--verbose` shows the engine's own log.",
        )


def _engine_module() -> Any:
    # OpenMP reads this once, when the engine's library is loaded: its default spinning makes
    # decoding several times slower as soon as anything else wants the cores. An operator's own
    # value wins. This is a message to the library, not a setting of ours.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        import xllamacpp
    except ImportError as error:
        raise BackendUnavailable(
            f"The embedded engine is not installed: {error}",
            hint="Install it with `pip install 'ferryman[embedded]'`.",
        ) from error
    return xllamacpp


def _check_magic(path: Path) -> None:
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise ModelFileError(
            f"The weights cannot be read: {path} ({error.strerror}).",
            hint="Run `ferryman models pull`, or bind the role to a GGUF file that exists.",
        ) from error
    if magic != _MAGIC:
        raise ModelFileError(
            f"{path} is not a GGUF file.",
            hint="Bind the role to a .gguf file, or run `ferryman models pull`.",
        )


def _usable_cpus() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _available_bytes() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    return found[0] * 1024 if found else None


class _SocketConnection(http.client.HTTPConnection):
    """Speaks HTTP over a socket in the file system."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    @override
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self._path)


def _connection(address: str) -> http.client.HTTPConnection:
    if address.startswith("unix://"):
        return _SocketConnection(address.removeprefix("unix://"))
    return http.client.HTTPConnection(address.removeprefix("http://"))
