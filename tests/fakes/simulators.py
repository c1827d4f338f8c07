"""A package of tiny simulators in the published layout, written into a folder for a test."""

import json

from orchestrator.evals.external.fetching import PINNED
from orchestrator.evals.external.simulators import MODULES

FILES = """
from bfcl_eval.eval_checker.multi_turn_eval.func_source_code.long_context import GREETING


class GorillaFileSystem:
    def _load_scenario(self, scenario, long_context=False):
        self.files = scenario.get("files", {})
        self._looked = 0

    def ls(self, a=False):
        self._looked += 1
        return {"files": [name for name in self.files if a or not name.startswith(".")]}

    def touch(self, file_name):
        if file_name in self.files:
            return {"error": f"{file_name} is there already"}
        self.files[file_name] = GREETING

    def broken(self, file_name):
        raise OSError("the disk is gone")
"""
TICKETS = """
class TicketAPI:
    def _load_scenario(self, scenario, long_context=False):
        self.tickets = scenario.get("tickets", [])

    def close_ticket(self, ticket_id):
        if ticket_id not in self.tickets:
            return {"error": "no such ticket"}
        self.tickets.remove(ticket_id)
        return {"status": "closed", "left": {1, 2} if ticket_id == 9 else len(self.tickets)}
"""
MATHS = """
class MathAPI:
    def add(self, a, b):
        return a + b
"""
EMPTY = """
class {name}:
    def _load_scenario(self, scenario, long_context=False):
        self.filled = bool(scenario)
"""
SOURCES = {"GorillaFileSystem": FILES, "TicketAPI": TICKETS, "MathAPI": MATHS}
WORDS = "This tool belongs to a simulation. Tool description: "


def document(name, required=(), **types):
    """A tool's document in the published dialect."""
    properties = {part: {"type": kind, "description": part} for part, kind in types.items()}
    return {
        "name": name,
        "description": f"{WORDS}Does {name}.",
        "parameters": {"type": "dict", "properties": properties, "required": list(required)},
        "response": {"type": "dict", "properties": {"status": {"type": "string"}}},
    }


DOCUMENTS = {
    "GorillaFileSystem": [
        document("ls", a="boolean"),
        document("touch", ["file_name"], file_name="string"),
        document("broken", ["file_name"], file_name="string"),
    ],
    "TicketAPI": [document("close_ticket", ["ticket_id"], ticket_id="integer")],
    "MathAPI": [document("add", ["a", "b"], a="float", b="float")],
}


def task(task_id, turns, gold, involved, **configuration):
    """A task and its gold calls, each as one row."""
    asked = {
        "id": task_id,
        "question": [[{"role": "user", "content": words}] for words in turns],
        "initial_config": configuration,
        "involved_classes": involved,
    }
    return asked, {"id": task_id, "ground_truth": gold}


TASKS = (
    task(
        "files_0",
        ["Note it in a.txt.", "Thanks.", "What is there, and what is 1 and 2?"],
        [["touch('a.txt')"], [], ["ls()", "add(a=1, b=2)"]],
        ["GorillaFileSystem", "MathAPI"],
        GorillaFileSystem={"files": {"b.txt": ""}},
    ),
    task(
        "tickets_0",
        ["Close ticket 7.", "Close ticket x1 as well."],
        [["close_ticket(ticket_id=7)"], ["close_ticket(ticket_id='x1')"]],
        ["TicketAPI"],
        TicketAPI={"tickets": [7, "x1"]},
    ),
)


def write_package(folder, tasks=TASKS):
    """Write the package as pip installs it, and give its folder."""
    inside = folder / "bfcl_eval"
    sources = inside / "eval_checker" / "multi_turn_eval" / "func_source_code"
    documents = inside / "data" / "multi_turn_func_doc"
    answers = inside / "data" / "possible_answer"
    for path in (sources, documents, answers):
        path.mkdir(parents=True)
    (inside / "__init__.py").write_text("raise ImportError('never to be run')\n")
    (sources / "long_context.py").write_text("GREETING = 'hello'\n")
    for name, module in MODULES.items():
        (sources / f"{module}.py").write_text(SOURCES.get(name) or EMPTY.format(name=name))
        write_lines(documents / f"{module}.json", DOCUMENTS.get(name, []))
    write_lines(inside / "data" / "BFCL_v4_multi_turn_base.json", [asked for asked, _ in tasks])
    write_lines(answers / "BFCL_v4_multi_turn_base.json", [gold for _, gold in tasks])
    for wanted in PINNED:
        package = wanted.replace("bfcl-eval", "bfcl_eval").replace("==", "-")
        (folder / f"{package}.dist-info").mkdir()
    return folder


def write_lines(path, rows):
    """Write rows as JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
