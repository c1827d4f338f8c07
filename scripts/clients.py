"""Has clients that are not ours do the main job: `python scripts/clients.py [--only NAME]…`.

For each client it makes a fresh sample office, starts `ferryman serve` on it, lets the client's
program in tests/e2e/clients do the job, and prints what came back and what the Desktop looks
like afterwards. With --url it speaks to a service that is already there.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from time import monotonic

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = ROOT / "tests" / "e2e" / "clients"
NPM_OPENAI = "openai@6.49.0"
CLIENTS = {
    "openai": "the official openai package for Python",
    "npm": f"the official {NPM_OPENAI} package for node",
    "langchain": "ChatOpenAI of langchain-openai",
    "webui": "a chat page's requests, in the shapes of Open WebUI",
}
_PYTHONS = {
    "openai": ("openai", "openai_python.py"),
    "langchain": ("langchain_openai", "langchain_python.py"),
    "webui": ("aiohttp", "open_webui.py"),
}
TASK = "Look at the screenshots on my Desktop, read each one, and rename it after what it shows."


class Missing(Exception):
    """A client cannot be had on this machine."""


def command_of(client: str) -> list[str]:
    """The command of a client's program; what it needs besides is fetched once.

    Raises:
        Missing: Its package is not installed, or its registry does not give it.
    """
    if client == "npm":
        return ["node", str(_node_folder() / "openai_node.mjs")]
    package, program = _PYTHONS[client]
    if find_spec(package) is None:
        raise Missing(f"{package} is not installed: pip install -e '.[clients]'")
    return [sys.executable, str(PROGRAMS / program)]


def _node_folder() -> Path:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise Missing("there is no node on this machine")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "ferryman-clients" / NPM_OPENAI
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "node_modules/openai/package.json").is_file():
        command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), NPM_OPENAI]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
        if done.returncode != 0:
            raise Missing(f"the npm registry does not give {NPM_OPENAI}")
    # A module is looked for from where the program that asks for it lies.
    shutil.copy(PROGRAMS / "openai_node.mjs", folder)
    return folder


def transcript(client: str, url: str, model: str, task: str) -> Iterator[str]:
    """What a client was told, line by line, with the seconds since it asked."""
    command = [*command_of(client), "job", url, model, task]
    began = monotonic()
    answer = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        for line in process.stdout or ():
            told = json.loads(line)
            if told["what"] == "content":
                answer += told["text"]
                continue
            if told["what"] == "finish":
                yield f"[{monotonic() - began:7.1f}s] answer: {answer}"
            yield f"[{monotonic() - began:7.1f}s] {_said(told)}"
    if process.returncode != 0:
        yield f"the client ended with {process.returncode}"


def _said(told: dict[str, object]) -> str:
    if told["what"] == "reasoning":
        return str(told["text"]).rstrip("\n")
    fields = {name: value for name, value in told.items() if name != "what"}
    return f"{told['what']}: {json.dumps(fields, ensure_ascii=False)}"


@contextmanager
def service_in(folder: Path, arguments: Sequence[str] = ()) -> Iterator[str]:
    """`ferryman serve` on a folder, and where it listens."""
    state = folder.with_name(f"{folder.name}-state")
    command = [sys.executable, "-m", "orchestrator", "serve", "--port", "0", "--path", str(folder)]
    environment = {**os.environ, "XDG_STATE_HOME": str(state), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*command, *arguments], stderr=subprocess.PIPE, text=True, env=environment, cwd=folder
    )
    try:
        yield _address(process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _address(process: subprocess.Popen[str]) -> str:
    said = []
    for line in process.stderr or ():
        said.append(line)
        if found := re.search(r"listens at (\S+)", line):
            # A pipe that nobody empties would stop the service once it is full.
            Thread(target=process.communicate, daemon=True).start()
            return found[1]
    raise SystemExit(f"The service did not start:\n{''.join(said)}")


def in_an_office(client: str, model: str, task: str, seed: int) -> Iterator[str]:
    """A client's transcript in a sample office of its own, and the Desktop before and after."""
    from desk.samples import make_office

    with tempfile.TemporaryDirectory(prefix="ferryman-clients-") as folder:
        root = Path(folder) / "office"
        root.mkdir()
        office = make_office(root, seed=seed)
        yield from _names("before", office.desktop)
        with service_in(root) as url:
            yield from transcript(client, url, model, task)
        yield from _names("after", office.desktop)


def _names(when: str, desktop: Path) -> Iterator[str]:
    names = sorted(path.name for path in desktop.iterdir() if path.is_file())
    yield f"Desktop {when}: {', '.join(names)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the transcript of each client."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", action="append", choices=sorted(CLIENTS), help="this client")
    parser.add_argument("--url", help="a service that is already there")
    parser.add_argument("--model", default="ferryman-auto", help="the model name to ask for")
    parser.add_argument("--task", default=TASK, help="what is to be done")
    parser.add_argument("--seed", type=int, default=1, help="which sample office is made")
    options = parser.parse_args(arguments)
    missing = 0
    for client in options.only or CLIENTS:
        print(f"== {client}: {CLIENTS[client]}")
        asked = (options.model, options.task)
        try:
            lines = (
                transcript(client, options.url, *asked)
                if options.url
                else in_an_office(client, *asked, options.seed)
            )
            for line in lines:
                print(line, flush=True)
        except Missing as why:
            missing += 1
            print(f"left out: {why}")
        print()
    return 1 if missing else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    raise SystemExit(main())
