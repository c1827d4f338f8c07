"""The ``calendar`` namespace: events in a local file."""

from datetime import datetime, timedelta
from typing import Annotated

from mcp.server.mcpserver import Context
from pydantic import BaseModel, Field

from desk.errors import OfficeError
from desk.files.ledger import Item, Ledger, find, fresh_id
from desk.servers.hosting import Setting, key_of, reads, replaces_once, serve, writes_once

DAY_START, DAY_END = 9, 17

When = Annotated[str, Field(description="Date and time, ISO 8601, e.g. 2026-03-02T14:00")]
Day = Annotated[str, Field(description="Date, ISO 8601, e.g. 2026-03-02")]
EventId = Annotated[str, Field(description="Id of the event, as list_events shows it")]


class Event(BaseModel):
    """One calendar event."""

    id: str
    title: str
    start: str
    end: str
    location: str = ""
    attendees: list[str] = []
    notes: str = ""


class Events(BaseModel):
    """Events by their start."""

    count: int
    events: list[Event]


class Slot(BaseModel):
    """A free stretch of time."""

    start: str
    end: str
    minutes: int


class Slots(BaseModel):
    """The free time of a day."""

    day: str
    count: int
    slots: list[Slot]


class Calendar:
    """The tools over one file of events."""

    def __init__(self, setting: Setting) -> None:
        self._ledger = Ledger(
            setting.roots.folders[0] / "Calendar" / "events.json", state=setting.state
        )

    @reads
    def list_events(
        self,
        start: Annotated[str, Field(description="First day, ISO 8601; empty for all")] = "",
        end: Annotated[str, Field(description="Last day, ISO 8601; empty for all")] = "",
    ) -> Events:
        """List calendar events in a range of days, sorted by start time."""
        low, high = (_moment(text).date().isoformat() if text else text for text in (start, end))
        found = [
            Event(**item)
            for item in self._ledger.items()
            if item["start"][:10] >= low and (not high or item["start"][:10] <= high)
        ]
        found.sort(key=lambda event: (event.start, event.id))
        return Events(count=len(found), events=found)

    @reads
    def find_free_slots(
        self,
        day: Day,
        minutes: Annotated[int, Field(ge=5, le=480, description="Shortest slot wanted")] = 30,
    ) -> Slots:
        """Find free time slots in the working hours of a day that last at least some minutes."""
        start = _moment(day).replace(hour=DAY_START, minute=0)
        close = start.replace(hour=DAY_END)
        busy = sorted(
            (_moment(item["start"]), _moment(item["end"]))
            for item in self._ledger.items()
            if item["start"][:10] == start.date().isoformat()
        )
        slots = []
        for begins, ends in [*busy, (close, close)]:
            free = min(begins, close) - start
            if free >= timedelta(minutes=minutes):
                slots.append(_slot(start, min(begins, close)))
            start = max(start, ends)
        return Slots(day=day, count=len(slots), slots=slots)

    @writes_once
    def create_event(
        self,
        title: Annotated[str, Field(min_length=1, description="Title of the event")],
        start: When,
        end: When,
        context: Context,
        location: Annotated[str, Field(description="Room or address")] = "",
        attendees: Annotated[list[str] | None, Field(description="Names or addresses")] = None,
    ) -> Event:
        """Create a calendar event with a title, a start and an end. No invitations are sent."""
        times = _span(start, end)

        def add(items: list[Item]) -> Item:
            event = Event(
                id=fresh_id(items, "e"),
                title=title,
                location=location,
                attendees=attendees or [],
                **times,
            )
            items.append(event.model_dump())
            return event.model_dump()

        return Event(**self._ledger.change(key_of(context), add))

    @replaces_once
    def update_event(
        self,
        event_id: EventId,
        context: Context,
        title: Annotated[str, Field(description="New title; empty to keep")] = "",
        start: Annotated[str, Field(description="New start, ISO 8601; empty to keep")] = "",
        end: Annotated[str, Field(description="New end, ISO 8601; empty to keep")] = "",
        location: Annotated[str, Field(description="New place; empty to keep")] = "",
    ) -> Event:
        """Change the title, time or place of an existing calendar event."""

        def edit(items: list[Item]) -> Item:
            event = find(items, event_id, "event")
            times = _span(start or event["start"], end or event["end"])
            event |= times | {"title": title or event["title"]}
            event["location"] = location or event.get("location", "")
            return dict(event)

        return Event(**self._ledger.change(key_of(context), edit))

    @replaces_once
    def cancel_event(self, event_id: EventId, context: Context) -> Event:
        """Remove an event from the calendar and return what it was."""

        def remove(items: list[Item]) -> Item:
            event = find(items, event_id, "event")
            items.remove(event)
            return event

        return Event(**self._ledger.change(key_of(context), remove))


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError as error:
        raise OfficeError(
            f"{text!r} is not a date or time.", hint="Use ISO 8601, e.g. 2026-03-02T14:00."
        ) from error


def _span(start: str, end: str) -> dict[str, str]:
    begins, ends = _moment(start), _moment(end)
    if ends <= begins:
        raise OfficeError(f"The end {end!r} is not after the start {start!r}.")
    return {
        "start": begins.isoformat(timespec="minutes"),
        "end": ends.isoformat(timespec="minutes"),
    }


def _slot(start: datetime, end: datetime) -> Slot:
    return Slot(
        start=start.isoformat(timespec="minutes"),
        end=end.isoformat(timespec="minutes"),
        minutes=int((end - start).total_seconds() // 60),
    )


if __name__ == "__main__":
    serve("calendar", "Look at and change the events of the local calendar.", Calendar)
