"""Finds the processes that a test started, whoever their parent is by now."""

import os
from pathlib import Path

MARK = "FERRYMAN_TEST_MARK"
"""A variable for the environment of what a test starts; its value is the test's own."""


def living(mark):
    """The command lines of the processes whose environment holds the mark."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue
        if mark.encode() in environment and int(entry.name) != os.getpid():
            found.append((entry / "cmdline").read_bytes())
    return found
