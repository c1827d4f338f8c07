"""The ``task`` namespace: a to-do list in a local file."""

from datetime import UTC, date, datetime
from typing import Annotated, Literal

from mcp.server.mcpserver import Context
from pydantic import BaseModel, Field

from desk.errors import OfficeError
from desk.files.ledger import Item, Ledger, find, fresh_id
from desk.servers.hosting import Setting, key_of, reads, replaces_once, serve, writes_once

Priority = Literal["low", "normal", "high"]
TaskId = Annotated[str, Field(description="Id of the task, as list_tasks shows it")]
Due = Annotated[str, Field(description="Due date, ISO 8601, e.g. 2026-03-02; empty for none")]


class Task(BaseModel):
    """One thing to do."""

    id: str
    title: str
    due: str = ""
    priority: Priority = "normal"
    status: Literal["open", "done"] = "open"
    notes: str = ""


class Tasks(BaseModel):
    """Tasks by due date."""

    count: int
    tasks: list[Task]


class TaskList:
    """The tools over one file of tasks."""

    def __init__(self, setting: Setting) -> None:
        self._ledger = Ledger(
            setting.roots.folders[0] / "Tasks" / "tasks.json", state=setting.state
        )

    @reads
    def list_tasks(
        self,
        status: Annotated[
            Literal["open", "done", "all"], Field(description="Which tasks to list")
        ] = "open",
    ) -> Tasks:
        """List the tasks of the to-do list, sorted by due date."""
        return _sorted([task for task in self._all() if status in {"all", task.status}])

    @reads
    def get_overdue_tasks(
        self,
        today: Annotated[str, Field(description="Date to compare with; empty for today")] = "",
    ) -> Tasks:
        """List open tasks whose due date has passed."""
        limit = _day(today) or datetime.now(UTC).date().isoformat()
        late = [task for task in self._all() if task.status == "open" and "" < task.due < limit]
        return _sorted(late)

    @writes_once
    def create_task(
        self,
        title: Annotated[str, Field(min_length=1, description="What is to be done")],
        context: Context,
        due: Due = "",
        priority: Annotated[Priority, Field(description="How urgent it is")] = "normal",
        notes: Annotated[str, Field(description="Details")] = "",
    ) -> Task:
        """Add a task to the to-do list."""
        day = _day(due)

        def add(items: list[Item]) -> Item:
            task = Task(
                id=fresh_id(items, "t"), title=title, due=day, priority=priority, notes=notes
            )
            items.append(task.model_dump())
            return task.model_dump()

        return Task(**self._ledger.change(key_of(context), add))

    @replaces_once
    def update_task(
        self,
        task_id: TaskId,
        context: Context,
        title: Annotated[str, Field(description="New title; empty to keep")] = "",
        due: Due = "",
        priority: Annotated[Priority | None, Field(description="New priority")] = None,
    ) -> Task:
        """Change the title, due date or priority of a task."""
        changes = {"title": title, "due": _day(due), "priority": priority}
        return self._edit(
            context, task_id, {name: value for name, value in changes.items() if value}
        )

    @replaces_once
    def complete_task(self, task_id: TaskId, context: Context) -> Task:
        """Mark a task as done."""
        return self._edit(context, task_id, {"status": "done"})

    def _edit(self, context: Context, task_id: str, changes: Item) -> Task:
        def edit(items: list[Item]) -> Item:
            task = find(items, task_id, "task")
            task |= changes
            return dict(task)

        return Task(**self._ledger.change(key_of(context), edit))

    def _all(self) -> list[Task]:
        return [Task(**item) for item in self._ledger.items()]


def _sorted(tasks: list[Task]) -> Tasks:
    # Tasks without a due date come last.
    ordered = sorted(tasks, key=lambda task: (task.due == "", task.due, task.id))
    return Tasks(count=len(ordered), tasks=ordered)


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError as error:
        raise OfficeError(f"{text!r} is not a date.", hint="Use ISO 8601: 2026-03-02.") from error


if __name__ == "__main__":
    serve("task", "Look at and change the tasks of the local to-do list.", TaskList)
