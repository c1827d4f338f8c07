"""What libraries log becomes the same kind of lines, and tells no secret."""

import io
import json
import logging

import pytest

from adapters.traces.logs import LogSink, json_handler, log_handler
from orchestrator.core.events import Entry, RunEnded
from orchestrator.core.redaction import REDACTED, Redactor
from tests.unit.adapters.test_logs import AT

KEY = "sk-0123456789abcdef"


@pytest.fixture
def logged():
    """Give a way to log by a name and to read the one line that came of it."""
    stream = io.StringIO()
    handler = json_handler(stream, redactor=Redactor.of([KEY]))

    def log(name, level, message, *args, error=None):
        told = (type(error), error, None) if error else None
        handler.handle(logging.LogRecord(name, level, "x.py", 1, message, args, told))
        (line,) = stream.getvalue().splitlines()
        return json.loads(line)

    return log


def test_a_line_of_a_library_has_its_name_level_and_time(logged):
    line = logged("some.library", logging.WARNING, "the %s is full", "disk")
    assert line["event"] == "the disk is full"
    assert (line["logger"], line["level"]) == ("some.library", "warning")
    assert "T" in line["at"]


def test_an_access_line_is_told_in_fields_without_its_query(logged):
    line = logged(
        "uvicorn.access",
        logging.INFO,
        '%s - "%s %s HTTP/%s" %d',
        "127.0.0.1:4000",
        "GET",
        f"/v1/runs/abc123/events?token={KEY}",
        "1.1",
        200,
    )
    assert line["event"] == "request"
    assert (line["method"], line["path"]) == ("GET", "/v1/runs/abc123/events")
    assert (line["client"], line["status"], line["run"]) == ("127.0.0.1:4000", 200, "abc123")


def test_an_access_line_in_another_form_is_left_as_it_is(logged):
    assert logged("uvicorn.access", logging.INFO, "up %s", "1")["event"] == "up 1"


def test_a_path_that_names_no_run_has_none(logged):
    line = logged("uvicorn.access", logging.INFO, "%s%s%s%s%s", "me", "GET", "/healthz", "1.1", 200)
    assert "run" not in line


def test_neither_a_message_nor_a_traceback_tells_a_secret(logged):
    error = ValueError(f"refused {KEY}")
    line = logged("ferryman.service", logging.ERROR, "no: %s", KEY, error=error)
    assert line["event"] == f"no: {REDACTED}"
    assert "ValueError" in line["exception"]
    assert KEY not in json.dumps(line)


def test_a_secret_in_a_fact_of_a_run_is_taken_out():
    stream = io.StringIO()
    sink = LogSink(stream, redactor=Redactor.of([KEY]))
    sink.record(Entry(run_id="r1", seq=1, at=AT, event=RunEnded(status="failed", code=f"x{KEY}")))
    assert json.loads(stream.getvalue())["code"] == f"x{REDACTED}"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_person_at_a_terminal_reads_plain_lines_without_secrets():
    stream = Terminal()
    handler = log_handler(stream, redactor=Redactor.of([KEY]))
    handler.handle(logging.LogRecord("x", logging.ERROR, "x.py", 1, "no %s", (KEY,), None))
    assert stream.getvalue() == f"ERROR x: no {REDACTED}\n"


def test_what_collects_lines_gets_json():
    stream = io.StringIO()
    handler = log_handler(stream, redactor=Redactor())
    handler.handle(logging.LogRecord("x", logging.ERROR, "x.py", 1, "no", (), None))
    assert json.loads(stream.getvalue())["event"] == "no"
