"""Spans of a run, in the names of the GenAI conventions and without contents."""

import gzip
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.trace import SpanKind, StatusCode

from adapters.traces.otel import Collector, exporter_to, exporting
from orchestrator.core.chat import Message, Usage
from orchestrator.core.events import (
    CallIntended,
    CallSettled,
    Entry,
    ModelCalled,
    ModelInfo,
    ReplanAsked,
    RunEnded,
    RunResumed,
    RunStarted,
    VerdictGiven,
)
from orchestrator.core.redaction import REDACTED, Redactor
from orchestrator.core.runs import RunRequest
from orchestrator.core.tools import ToolCall, ToolOutcome
from orchestrator.core.verdicts import Verdict

AT = datetime(2026, 2, 16, 12, 0, tzinfo=UTC)
SECOND = 1_000_000_000
KEY = "sk-0123456789abcdef"
CANARY = "canary-in-a-content"
MODEL = ModelInfo(role="planner", backend="vllm", model="qwen")
STARTED = RunStarted(request=RunRequest(goal=CANARY, thread="t1"), models=(MODEL,))
CALLED = ModelCalled(
    role="planner",
    purpose="tool",
    step="s1",
    appended=(Message(role="user", content=CANARY),),
    reply=CANARY,
    usage=Usage(prompt=100, cached=80, generated=5),
    seconds=2.0,
    margin=0.5,
)
INTENDED = CallIntended(
    id="p1.0", step="s1", parent=-1, call=ToolCall(tool="web.look", arguments={"q": CANARY})
)
ENDED = RunEnded(status="completed")


def settled(**given):
    outcome = given.pop("outcome", ToolOutcome(ok=True, data={"text": CANARY}))
    told = {"id": "p1.0", "step": "s1", "parent": -1, "tool": "web.look", "fingerprint": "f"}
    return CallSettled(**{**told, **given}, outcome=outcome)


def traced(*events, run_id="r1", redactor=None, models=(MODEL,)):
    """The finished spans of a run whose entries are a second apart."""
    exporter = InMemorySpanExporter()
    with exporting(exporter, models=models, redactor=redactor) as sink:
        for number, event in enumerate(events, 1):
            at = AT + timedelta(seconds=number)
            sink.record(Entry(run_id=run_id, seq=number, at=at, event=event))
    return exporter.get_finished_spans()


def test_a_run_is_a_span_with_its_calls_below_it():
    chat, tool, agent = traced(STARTED, CALLED, INTENDED, settled(), ENDED)
    assert [span.name for span in (agent, chat, tool)] == [
        "invoke_agent ferryman",
        "chat qwen",
        "execute_tool web.look",
    ]
    assert agent.parent is None
    for below in (chat, tool):
        assert below.parent.span_id == agent.context.span_id
        assert below.context.trace_id == agent.context.trace_id
    assert agent.end_time - agent.start_time == 4 * SECOND
    assert chat.end_time - chat.start_time == 2 * SECOND
    assert tool.end_time - tool.start_time == 1 * SECOND
    assert (chat.kind, tool.kind) == (SpanKind.CLIENT, SpanKind.INTERNAL)
    assert all(span.status.status_code is StatusCode.UNSET for span in (chat, tool, agent))


def test_the_attributes_are_those_of_the_conventions():
    chat, tool, agent = traced(STARTED, CALLED, INTENDED, settled(), ENDED)
    assert dict(chat.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "vllm",
        "gen_ai.request.model": "qwen",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.cache_read.input_tokens": 80,
        "gen_ai.usage.output_tokens": 5,
        "ferryman.run.id": "r1",
        "ferryman.role": "planner",
        "ferryman.purpose": "tool",
        "ferryman.step": "s1",
        "ferryman.margin": 0.5,
    }
    assert tool.attributes["gen_ai.operation.name"] == "execute_tool"
    assert tool.attributes["gen_ai.tool.name"] == "web.look"
    assert tool.attributes["gen_ai.tool.call.id"] == "p1.0"
    assert tool.attributes["gen_ai.tool.type"] == "extension"
    assert agent.attributes["gen_ai.operation.name"] == "invoke_agent"
    assert agent.attributes["gen_ai.agent.name"] == "ferryman"
    assert agent.attributes["gen_ai.conversation.id"] == "t1"
    assert agent.resource.attributes["service.name"] == "ferryman"
    official = {value for value in vars(gen_ai_attributes).values() if isinstance(value, str)}
    for span in (chat, tool, agent):
        ours = {name for name in span.attributes if name.startswith("gen_ai.")}
        assert ours <= official


def test_nothing_that_was_written_is_in_a_span():
    verdict = VerdictGiven(proposal="p1", verdict=Verdict(kind="ask", reason=CANARY))
    spans = traced(STARTED, CALLED, INTENDED, verdict, settled(), ReplanAsked(reason=CANARY), ENDED)
    assert not any(CANARY in span.to_json() for span in spans)
    (event,) = spans[-1].events
    assert (event.name, event.attributes["ferryman.verdict"]) == ("ferryman.verdict", "ask")


def test_a_failed_call_and_a_failed_run_are_errors_by_their_codes():
    outcome = ToolOutcome(ok=False, error=CANARY, code="tool_timeout")
    ended = RunEnded(status="failed", error=CANARY, code="backend_unavailable")
    tool, agent = traced(STARTED, INTENDED, settled(outcome=outcome), ended)
    assert tool.attributes["error.type"] == "tool_timeout"
    assert agent.attributes["error.type"] == "backend_unavailable"
    assert tool.status.status_code is agent.status.status_code is StatusCode.ERROR
    assert agent.status.description is None


def test_a_call_that_was_answered_by_an_earlier_one_is_none():
    assert [span.name for span in traced(STARTED, settled(reused="p0.0"), ENDED)] == [
        "invoke_agent ferryman"
    ]


def test_a_repeated_call_is_a_span_of_its_own():
    tools = traced(STARTED, INTENDED, settled(), settled(poll=1), ENDED)[:2]
    assert [span.attributes["gen_ai.tool.call.id"] for span in tools] == ["p1.0", "p1.0"]


def test_all_stretches_of_a_run_are_in_one_trace_whatever_process_does_them():
    (first,) = traced(STARTED, RunEnded(status="waiting_approval"))
    chat, second = traced(RunResumed(), CALLED, ENDED)
    (other,) = traced(STARTED, ENDED, run_id="r2")
    assert first.context.trace_id == second.context.trace_id == chat.context.trace_id
    assert other.context.trace_id != first.context.trace_id
    assert second.attributes["ferryman.run.resumed"] is True
    assert chat.attributes["gen_ai.request.model"] == "qwen"
    assert first.attributes["ferryman.run.status"] == "waiting_approval"
    assert first.status.status_code is StatusCode.UNSET


def test_a_run_that_waited_for_its_turn_is_one_stretch():
    assert len(traced(STARTED, RunResumed(), ENDED)) == 1


def test_a_call_that_is_still_open_when_the_run_rests_ends_with_it():
    tool, agent = traced(STARTED, INTENDED, RunEnded(status="waiting_tools"))
    assert tool.end_time == agent.end_time


def test_an_embedded_model_is_called_in_the_process_itself():
    inside = ModelInfo(role="planner", backend="embedded", model="tiny")
    started = STARTED.model_copy(update={"models": (inside,)})
    chat, _ = traced(started, CALLED, ENDED)
    assert chat.kind is SpanKind.INTERNAL


def test_a_model_that_is_not_known_has_no_name():
    started = STARTED.model_copy(update={"models": ()})
    chat, _ = traced(started, CALLED, ENDED, models=())
    assert chat.name == "chat"
    assert "gen_ai.request.model" not in chat.attributes


@pytest.mark.parametrize("event", [CALLED, INTENDED, settled(), ENDED], ids=lambda e: e.type)
def test_what_belongs_to_no_run_that_was_seen_is_left_out(event):
    assert traced(event) == ()


def test_secrets_are_taken_out_of_names_and_attributes():
    intended = INTENDED.model_copy(update={"call": ToolCall(tool=f"web.look{KEY}", arguments={})})
    tool, _ = traced(STARTED, intended, settled(), ENDED, redactor=Redactor.of([KEY]))
    assert tool.name == f"execute_tool web.look{REDACTED}"
    assert KEY not in tool.to_json()


@pytest.fixture
def received():
    """A collector on loopback: its address, and the requests that came."""
    came = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            came.append((self.path, dict(self.headers.items()), body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", came
        server.shutdown()
        thread.join()


def test_spans_are_sent_to_the_collector_with_its_headers(received):
    url, came = received
    collector = Collector(url, headers="X-Key=a%20b, other=c")
    with exporting(exporter_to(collector), service="mine") as sink:
        for number, event in enumerate((STARTED, ENDED), 1):
            sink.record(Entry(run_id="r1", seq=number, at=AT, event=event))
    ((path, headers, body),) = came
    assert path == "/v1/traces"
    assert {name.lower(): told for name, told in headers.items()}["x-key"] == "a b"
    (told,) = ExportTraceServiceRequest.FromString(
        gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    ).resource_spans
    assert told.scope_spans[0].spans[0].name == "invoke_agent ferryman"
    assert "X-Key" not in repr(collector)


def test_nothing_of_it_is_loaded_unless_it_is_asked_for():
    code = "import orchestrator.bootstrap, sys; print('opentelemetry.sdk' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
