"""The dashboard asks for metrics that there are, with labels that they have."""

import json
import re
from pathlib import Path

import pytest
import yaml

from adapters.traces.metrics import MetricsSink

FOLDER = Path(__file__).parents[2] / "deploy" / "grafana"
DASHBOARD = json.loads((FOLDER / "ferryman.json").read_text("utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
ASKED = [target["expr"] for panel in PANELS for target in panel["targets"]]
ADDED = {"le", "instance"}
"""Labels of histograms, and of every series that a server collects."""


def offered():
    """Each series' name with the labels it may have."""
    sink = MetricsSink()
    sink.watch("b", lambda: (0, 0, 1))
    found = {}
    for instrument in vars(sink._told).values():
        (family,) = instrument.describe()
        endings = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
        for ending in endings[family.type]:
            found[family.name + ending] = {*instrument._labelnames}
    for family in sink.registry.collect():
        for sample in family.samples:
            found.setdefault(sample.name, set(sample.labels))
    return {name: labels for name, labels in found.items() if not name.endswith("_created")}


OFFERED = offered()


@pytest.mark.parametrize("expr", ASKED)
def test_every_metric_that_is_asked_for_exists(expr):
    asked = set(re.findall(r"\b(?:ferryman|process)_\w+", expr))
    assert asked
    assert asked <= OFFERED.keys()


@pytest.mark.parametrize("expr", ASKED)
def test_every_label_that_is_asked_for_is_one_of_its_metrics(expr):
    metrics = re.findall(r"\b(?:ferryman|process)_\w+", expr)
    labels = ADDED.union(*(OFFERED[name] for name in metrics))
    grouped = [part for group in re.findall(r"by \(([^)]*)\)", expr) for part in group.split(",")]
    chosen = re.findall(r"[{,]\s*(\w+)\s*(?:=~|!~|!=|=)", expr)
    assert {label.strip() for label in [*grouped, *chosen]} <= labels


def test_every_metric_of_the_project_is_on_the_dashboard():
    shown = {re.sub(r"_bucket$", "", name) for expr in ASKED for name in re.findall(r"\w+", expr)}
    missing = {
        name
        for name in OFFERED
        if name.startswith("ferryman_") and not name.endswith(("_sum", "_count", "_bucket"))
    } - shown
    assert missing == set()


def test_names_follow_the_conventions():
    for instrument in vars(MetricsSink()._told).values():
        (family,) = instrument.describe()
        assert family.name.startswith("ferryman_")
        assert family.documentation.endswith(".")
        unit = family.name.rpartition("_")[2]
        assert family.type != "histogram" or unit in {"seconds", "tokens", "ratio", "margin"}


def test_panels_have_numbers_and_places_of_their_own():
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    taken = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not cells & taken
        taken |= cells


def test_the_files_beside_it_are_those_of_the_stack():
    prometheus = yaml.safe_load((FOLDER / "prometheus.yaml").read_text("utf-8"))
    source = yaml.safe_load((FOLDER / "datasource.yaml").read_text("utf-8"))
    provider = yaml.safe_load((FOLDER / "dashboards.yaml").read_text("utf-8"))
    assert prometheus["scrape_configs"][0]["job_name"] == "ferryman"
    assert source["datasources"][0]["type"] == DASHBOARD["templating"]["list"][0]["query"]
    assert provider["providers"][0]["type"] == "file"
