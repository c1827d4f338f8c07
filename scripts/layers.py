"""A pytest plugin that ends a run with the number of tests, and the time, of each layer."""

from collections import Counter
from pathlib import Path

import pytest


class Layers:
    """Counts outcomes and seconds by the folder below `tests`."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Counter[str]] = {}
        self.seconds: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take one phase of one test in; its call, or the phase that ended it, counts."""
        layer = _layer(report)
        self.seconds[layer] += report.duration
        if report.when == "call" or report.outcome != "passed":
            self.outcomes.setdefault(layer, Counter())[report.outcome] += 1

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write one line a layer."""
        terminalreporter.section("tests by layer")
        for layer, counts in sorted(self.outcomes.items()):
            outcomes = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
            terminalreporter.line(f"{layer:14} {self.seconds[layer]:7.1f} s  {outcomes}")


def _layer(report: pytest.TestReport) -> str:
    path = Path(report.location[0])
    parts = path.parts[path.parts.index("tests") + 1 :] if "tests" in path.parts else path.parts
    return parts[0]


def pytest_configure(config: pytest.Config) -> None:
    """Add the count to this run."""
    config.pluginmanager.register(Layers(), "ferryman-layers")
