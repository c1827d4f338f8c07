"""The main job for real: a real model, real servers, real files, and a kill in the middle."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from adapters.backends.weights import ModelStore
from desk.samples import make_office
from orchestrator.core.errors import ModelFileError

ROOT = Path(__file__).resolve().parents[2]
MODEL = "qwen2.5-coder-1.5b-instruct"
CACHE = Path.home() / ".cache"
GOAL = "Look at the screenshots on my Desktop, read each one, and rename it after what it shows."
MINUTES = 60

pytestmark = [pytest.mark.model, pytest.mark.desk, pytest.mark.timeout(15 * MINUTES)]


@pytest.fixture
def ferryman(tmp_path):
    try:
        ModelStore(CACHE / "ferryman" / "models").path(MODEL)
    except ModelFileError as error:
        pytest.skip(error.message)
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "XDG_CACHE_HOME": str(CACHE),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }

    def start(*arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "orchestrator", *arguments],
            env=environ,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return start


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_a_killed_run_is_resumed_and_every_screenshot_is_renamed_once(ferryman, tmp_path):
    office = make_office(tmp_path / "office", seed=7, screenshots=6)
    desktop = office.desktop
    before = {path.name: path.read_bytes() for path in desktop.iterdir() if path.is_file()}
    screenshots = {name for name in before if name.startswith("Screenshot")}

    def renamed():
        return len(screenshots) - len([p for p in desktop.iterdir() if p.name in screenshots])

    first = ferryman("run", GOAL, "--path", str(office.root), "--yes")
    assert wait_for(lambda: renamed() >= 1 or first.poll() is not None, 8 * MINUTES)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()

    report = tmp_path / "report.json"
    second = ferryman("resume", "LAST", "--yes", "--json", str(report))
    _, err = second.communicate(timeout=8 * MINUTES)
    already_over = "is over" in err
    assert second.returncode == 0 or already_over, err
    after = {path.name: path.read_bytes() for path in desktop.iterdir() if path.is_file()}
    assert sorted(before.values()) == sorted(after.values())
    assert not screenshots & set(after)
    assert all(after[name] == before[name] for name in set(before) - screenshots)
    new = set(after) - set(before)
    assert len(new) == len(screenshots)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+\.png", name) for name in new), new
    if not already_over:
        told = json.loads(report.read_text())
        assert told["status"] == "completed"
        assert told["calls"]["identical_executed"] == 0
        assert told["scope"]["tools"] >= 59
        assert told["shown_max"] <= 12
