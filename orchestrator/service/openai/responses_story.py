"""A run told as the events of a response: pure, so that it can be told again from its journal.

Progress is the summary of a reasoning item, the answer a message, a call of the caller's own
tool a function call. Every event has its number; told again they are the same.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.core.events import Entry
from orchestrator.core.runs import RunState
from orchestrator.service.openai.chat_wire import pieces
from orchestrator.service.openai.client_calls import wire_calls
from orchestrator.service.openai.narration import Narration
from orchestrator.service.openai.responses_wire import response_id, told_again
from orchestrator.service.openai.resting import out_of_tokens, said

Event = dict[str, Any]
_ENDED: Mapping[str, str] = {"stopped": "incomplete", "failed": "failed", "cancelled": "cancelled"}


class Story:
    """Tells a run from one of its entries on; `response` is the whole of it so far."""

    def __init__(self, run_id: str, *, since: int = 0) -> None:
        self._run_id = run_id
        self._suffix = f"{run_id}_{since}" if since else run_id
        self._told = 0
        self._summary = ""
        self.response: dict[str, Any] = {"id": response_id(run_id, since), "object": "response"}

    def take(self, entry: Entry, line: str, told: Narration) -> Iterator[Event]:
        """The events of an entry, of which there is this line to tell."""
        if "status" not in self.response:
            yield from self._opened(entry, told.state)
        if line:
            yield from self._progress(f"{line}\n")

    def ended(self, entry: Entry | None, told: Narration) -> Iterator[Event]:
        """The events that end the response, after the run's last entry."""
        if "status" not in self.response and entry is not None:
            yield from self._opened(entry, told.state)
        yield from self._reasoned()
        state, calls = told.state, wire_calls(told.state)
        if calls:
            for call in calls:
                yield from self._called(*call)
        elif state.status != "failed":
            yield from self._said(said(state))
        yield self._closed(state, entry, told)

    def _opened(self, entry: Entry, state: RunState) -> Iterator[Event]:
        self.response |= {
            "created_at": int(entry.at.timestamp()),
            "completed_at": None,
            "status": "in_progress",
            "error": None,
            "incomplete_details": None,
            "output": [],
            "usage": None,
            **(told_again(state.request) if state.request else {}),
            "ferryman": {"run_id": self._run_id, "status": state.status},
        }
        for kind in ("created", "in_progress"):
            yield self._event(f"response.{kind}", response=self._now())

    def _progress(self, line: str) -> Iterator[Event]:
        where = {"item_id": f"rs_{self._suffix}", "output_index": 0, "summary_index": 0}
        if not self._summary:
            item = {"id": f"rs_{self._suffix}", "type": "reasoning", "summary": []}
            yield self._added({**item, "status": "in_progress"})
            part = {"type": "summary_text", "text": ""}
            yield self._event("response.reasoning_summary_part.added", **where, part=part)
        self._summary += line
        yield self._event("response.reasoning_summary_text.delta", **where, delta=line)

    def _reasoned(self) -> Iterator[Event]:
        if not self._summary:
            return
        where = {"item_id": f"rs_{self._suffix}", "output_index": 0, "summary_index": 0}
        part = {"type": "summary_text", "text": self._summary}
        yield self._event("response.reasoning_summary_text.done", **where, text=self._summary)
        yield self._event("response.reasoning_summary_part.done", **where, part=part)
        yield self._done({"id": where["item_id"], "type": "reasoning", "summary": [part]})

    def _said(self, text: str) -> Iterator[Event]:
        item = {"id": f"msg_{self._suffix}", "type": "message", "role": "assistant"}
        where = {"item_id": item["id"], "output_index": self._next, "content_index": 0}
        yield self._added({**item, "status": "in_progress", "content": []})
        empty = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        yield self._event("response.content_part.added", **where, part=empty)
        for delta in pieces(text):
            yield self._event("response.output_text.delta", **where, delta=delta, logprobs=[])
        yield self._event("response.output_text.done", **where, text=text, logprobs=[])
        part = {**empty, "text": text}
        yield self._event("response.content_part.done", **where, part=part)
        yield self._done({**item, "content": [part]})

    def _called(self, wire: str, name: str, arguments: str) -> Iterator[Event]:
        item = {"id": f"fc_{wire}", "type": "function_call", "call_id": wire, "name": name}
        where = {"item_id": item["id"], "output_index": self._next}
        kind = "response.function_call_arguments"
        yield self._added({**item, "arguments": "", "status": "in_progress"})
        yield self._event(f"{kind}.delta", **where, delta=arguments)
        yield self._event(f"{kind}.done", **where, name=name, arguments=arguments)
        yield self._done({**item, "arguments": arguments})

    def _closed(self, state: RunState, entry: Entry | None, told: Narration) -> Event:
        status = _ENDED.get(state.status, "completed")
        code = state.error_code
        why = "max_output_tokens" if out_of_tokens(state) else code
        done = int(entry.at.timestamp()) if entry is not None else None
        self.response |= {
            "status": status,
            "completed_at": done if status == "completed" else None,
            "error": {"code": code, "message": state.error} if status == "failed" else None,
            "incomplete_details": {"reason": why} if status == "incomplete" else None,
            "usage": _usage(told),
            "ferryman": {"run_id": self._run_id, "status": state.status},
        }
        kind = status if status in {"completed", "failed"} else "incomplete"
        return self._event(f"response.{kind}", response=self._now())

    @property
    def _next(self) -> int:
        return len(self.response["output"])

    def _added(self, item: dict[str, Any]) -> Event:
        return self._event("response.output_item.added", output_index=self._next, item=item)

    def _done(self, item: dict[str, Any]) -> Event:
        done = {**item, "status": "completed"}
        event = self._event("response.output_item.done", output_index=self._next, item=done)
        self.response["output"].append(done)
        return event

    def _event(self, kind: str, **fields: Any) -> Event:
        event = {"type": kind, "sequence_number": self._told, **fields}
        self._told += 1
        return event

    def _now(self) -> dict[str, Any]:
        return {**self.response, "output": list(self.response["output"])}


def _usage(told: Narration) -> dict[str, Any]:
    spent = told.usage
    return {
        "input_tokens": spent.prompt,
        "input_tokens_details": {"cached_tokens": spent.cached, "cache_write_tokens": 0},
        "output_tokens": spent.generated,
        "output_tokens_details": {"reasoning_tokens": told.reasoning},
        "total_tokens": spent.prompt + spent.generated,
    }
