"""Starts the image's own command and sees that it serves: run by scripts/prove_image.sh inside.

It uses the standard library only, and prints one line for each thing that was seen. The first
that is not as it should be ends it with a message.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
IMAGE = json.loads((HERE / "image.json").read_text(encoding="utf-8"))
URL = "http://127.0.0.1:8114"
PYTHON = "/opt/ferryman/bin/python"
PATIENCE_S = 240
UNAUTHORIZED, OK, USAGE = 401, 200, 2
ENGINES = "import cv2, onnxruntime, rapidocr, tokenizers, xllamacpp, mcp, fastapi"
HANDSHAKE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "probe", "version": "1"},
    },
}


def environ() -> dict[str, str]:
    """The variables that the image sets."""
    chosen = {"FERRYMAN_EMBEDDED_MODEL": os.environ.get("MODEL", "")}
    return {**IMAGE["env"], **{name: value for name, value in chosen.items() if value}}


def ferryman(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the image to its end."""
    command = [*IMAGE["ENTRYPOINT"], *words]
    return subprocess.run(  # noqa: S603
        command, env=environ(), cwd=IMAGE["workdir"], capture_output=True, text=True, check=False
    )


def see(said: str, *, holds: bool, otherwise: str = "") -> None:
    """Say what was seen.

    Raises:
        SystemExit: It is not so.
    """
    if not holds:
        raise SystemExit(f"NOT SO: {said}\n{otherwise}")
    print(f"seen: {said}", flush=True)


def status(path: str, key: str = "", body: dict[str, object] | None = None) -> int:
    """The HTTP status of one request."""
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    data = json.dumps(body).encode() if body else None
    asked = urllib.request.Request(f"{URL}{path}", data, headers)  # noqa: S310 - the image itself
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310
            found: int = answer.status
            return found
    except urllib.error.HTTPError as error:
        return error.code


def confined() -> None:
    """See that the process may do no more than a container's."""
    see("the user is 1000, without groups", holds=(os.getuid(), os.getgroups()) == (1000, []))
    own = Path("/proc/self/status").read_text(encoding="utf-8")
    told = dict(line.split(":\t", 1) for line in own.splitlines() if ":\t" in line)
    see("there are no capabilities left", holds=int(told["CapBnd"], 16) == 0)
    see("no new privileges can be had", holds=told["NoNewPrivs"] == "1")
    written = []
    for place in ("/opt/ferryman", "/etc", "/home/ferryman", "/usr/bin"):
        try:
            (Path(place) / "written").touch()
        except OSError:
            continue
        written.append(place)
    see("the root file system is read-only", holds=not written, otherwise=str(written))


def healthy(serving: subprocess.Popen[str]) -> float:
    """Ask as HEALTHCHECK does until it says yes; give the seconds that it took."""
    begun = time.monotonic()
    while time.monotonic() - begun < PATIENCE_S and serving.poll() is None:
        asked = subprocess.run(  # noqa: S603
            IMAGE["HEALTHCHECK"], env=environ(), capture_output=True, check=False
        )
        if asked.returncode == 0:
            return time.monotonic() - begun
        time.sleep(1)
    return 0.0


def main() -> None:
    """Look at the image, start it, use it, stop it."""
    confined()
    loaded = subprocess.run(  # noqa: S603
        [PYTHON, "-c", ENGINES], env=environ(), capture_output=True, text=True, check=False
    )
    see("the engines' libraries load", holds=loaded.returncode == 0, otherwise=loaded.stderr)
    refused = ferryman(*IMAGE["CMD"])
    see(
        "without a key it does not listen, and says what to do",
        holds=refused.returncode == USAGE and "ferryman keys add" in refused.stderr,
        otherwise=refused.stderr,
    )
    key = ferryman("keys", "add", "probe", "--scope", "run,approve").stdout.strip()
    see("a key is made", holds=key.startswith("fm_"))
    command = [*IMAGE["ENTRYPOINT"], *IMAGE["CMD"]]
    serving = subprocess.Popen(  # noqa: S603
        command, env=environ(), cwd=IMAGE["workdir"], stderr=subprocess.PIPE, text=True
    )
    try:
        served(serving, key)
    finally:
        serving.kill()


def served(serving: subprocess.Popen[str], key: str) -> None:
    """Use the service that was started, then stop it as a container is stopped."""
    seconds = healthy(serving)
    see(f"HEALTHCHECK is content after {seconds:.0f} s", holds=seconds > 0)
    see("a request without a key is turned away", holds=status("/v1/models") == UNAUTHORIZED)
    see("the key opens the OpenAI API", holds=status("/v1/models", key) == OK)
    see("the key opens the native API", holds=status("/v1/runs", key) == OK)
    see("the key opens the MCP face", holds=status("/mcp", key, HANDSHAKE) == OK)
    see("every dependency is ready", holds=status("/readyz", key) == OK)
    memory = Path(f"/proc/{serving.pid}/status").read_text(encoding="utf-8")
    peak = next(line.split()[1] for line in memory.splitlines() if line.startswith("VmHWM"))
    print(f"seen: its own memory was at most {int(peak) // 1024} MiB", flush=True)
    serving.send_signal(signal.SIGTERM)
    _, said = serving.communicate(timeout=60)
    see("SIGTERM ends it with 0", holds=serving.returncode == 0, otherwise=said)
    sys.stdout.write(said)


if __name__ == "__main__":
    main()
