"""The command line in a process of its own, with scripted models and a folder of its own.

command = CommandLine(tmp_path, planner=[plan(…), "filesystem.list_dir", {…}], answers=["…"])
done = command.run("run", "List the inbox.", "--path", str(command.inbox), "--yes")
assert done.returncode == 0
"""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 90
INTERRUPT = b"\x03"

RECORD = """\
---
status: accepted
date: 2026-01-01
decision-makers: [tests]
binds:
  - role: planner
    backend: scripted
    model: script
    profile: generic
    options: {path: PLANNER}
  - role: synthesizer
    backend: scripted
    model: script
    profile: generic
    options: {path: ANSWERS}
---

# Bind both roles to scripts

## Context and Problem Statement

Tests need models that say what they are told to.

## Considered Options

* Scripts

## Decision Outcome

Scripts.
"""

FILESYSTEM = {
    "command": "${PYTHON}",
    "args": [
        *("-m", "desk.servers.filesystem"),
        *("--root", "${OFFICE}", "--state", "${STATE}/filesystem"),
    ],
    "env": {"PYTHONPATH": str(ROOT)},
}
GOOD = {
    "command": "${PYTHON}",
    "args": [str(ROOT / "tests/fakes/good_server.py")],
    "env": {"PYTHONPATH": str(ROOT)},
}


def plan(*steps):
    """A plan as a model writes it, from (intent, namespace) pairs."""
    return {
        "steps": [
            {"id": f"s{at}", "intent": intent, "namespace": space, "over": "", "where": ""}
            for at, (intent, space) in enumerate(steps, 1)
        ]
    }


class CommandLine:
    """A machine of its own: settings, records, scripts and an inbox with two files."""

    def __init__(self, tmp_path, *, planner=(), answers=(), servers=None, **config):
        self.home = tmp_path
        self.inbox = tmp_path / "inbox"
        self.config = tmp_path / "ferryman.yaml"
        self.adr = tmp_path / "adr"
        for folder in (self.inbox, self.adr):
            folder.mkdir()
        (self.inbox / "draft.txt").write_text("a draft")
        (self.inbox / "other.txt").write_text("other")
        self.say(planner, answers)
        servers = {"filesystem": FILESYSTEM} if servers is None else servers
        self.config.write_text(json.dumps({"mcpServers": servers, **config}))

    def say(self, planner=(), answers=()):
        """Write what the models say from now on."""
        text = RECORD
        for name, lines in {"PLANNER": planner, "ANSWERS": answers}.items():
            path = self.home / f"{name.lower()}.jsonl"
            path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
            text = text.replace(name, str(path))
        (self.adr / "0001-bind-scripts.md").write_text(text)

    @property
    def names(self):
        """The names of the files in the inbox."""
        return sorted(path.name for path in self.inbox.iterdir())

    @property
    def environ(self):
        """The environment of the command: nothing of the person's own settings."""
        kept = {key: os.environ[key] for key in ("PATH", "LANG", "HOME") if key in os.environ}
        return {
            **kept,
            "PYTHONPATH": str(ROOT),
            "XDG_STATE_HOME": str(self.home / "state"),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "FERRYMAN_ADR_DIR": str(self.adr),
            "FERRYMAN_CONFIG": str(self.config),
            "LANGSMITH_TRACING": "false",
        }

    def start(self, *arguments, **options):
        """Start a command and give its process."""
        streams = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        }
        return subprocess.Popen(
            [sys.executable, "-m", "orchestrator", *arguments],
            env=self.environ,
            # From here the sample office's servers are found without being installed.
            cwd=ROOT,
            text=True,
            start_new_session=True,
            **{**streams, **options},
        )

    def run(self, *arguments, seconds=SECONDS):
        """Run a command to its end."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=seconds)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def typed(self, *arguments, keys):
        """Run a command on a terminal of its own where `keys` are typed at its question.

        Ctrl-C (`INTERRUPT`) is sent as the signal that a terminal makes of it. Returns the exit
        code and everything that the terminal showed.
        """
        ours, theirs = pty.openpty()
        process = self.start(*arguments, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        shown = b""
        asked = False
        while chunk := _read(ours):
            shown += chunk
            if not asked and b"[y]es" in shown:
                asked = True
                if keys == INTERRUPT:
                    process.send_signal(signal.SIGINT)
                else:
                    os.write(ours, keys)
        os.close(ours)
        return process.wait(timeout=SECONDS), shown.decode()

    def last(self):
        """The id of the newest run."""
        return json.loads(self.run("runs", "list", "--json").stdout)[0]["run_id"]


def _read(descriptor):
    try:
        return os.read(descriptor, 65536)
    except OSError:
        # The other end of a terminal is gone once its last process has left.
        return b""
