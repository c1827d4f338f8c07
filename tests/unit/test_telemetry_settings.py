"""Where spans go is said by OpenTelemetry's own variables."""

import pytest

from orchestrator.core.errors import SettingsError
from orchestrator.settings import Settings, Telemetry

BASE = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"


@pytest.mark.parametrize(
    ("env", "endpoint"),
    [
        ({BASE: "http://c:4318"}, "http://c:4318/v1/traces"),
        ({BASE: "http://c:4318/"}, "http://c:4318/v1/traces"),
        ({BASE: "http://c:4318", TRACES: "http://t/x"}, "http://t/x"),
        ({TRACES: "http://t/x", "OTEL_TRACES_EXPORTER": "otlp"}, "http://t/x"),
    ],
)
def test_the_endpoint_is_the_one_for_traces_or_made_of_the_one_for_all(env, endpoint):
    told = Telemetry.of(env)
    assert told.endpoint == endpoint
    assert told.service == "ferryman"


@pytest.mark.parametrize(
    "env",
    [
        {},
        {BASE: "http://c", "OTEL_SDK_DISABLED": "TRUE"},
        {BASE: "http://c", "OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_SERVICE_NAME": "x"},
    ],
)
def test_no_spans_are_made_where_nobody_wants_them(env):
    assert Telemetry.of(env) is None


def test_headers_and_the_name_are_taken_along_and_not_shown():
    told = Telemetry.of(
        {
            BASE: "http://c",
            "OTEL_SERVICE_NAME": "mine",
            "OTEL_EXPORTER_OTLP_HEADERS": "a=canary",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        }
    )
    assert (told.service, told.headers.get_secret_value()) == ("mine", "a=canary")
    assert "canary" not in repr(told)


def test_a_protocol_that_is_not_spoken_is_refused_by_name():
    with pytest.raises(SettingsError, match="grpc"):
        Telemetry.of({BASE: "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})


def test_settings_read_them_from_the_environment(tmp_path):
    made = Settings.load(environ={"HOME": str(tmp_path), BASE: "http://c"})
    assert made.telemetry.endpoint == "http://c/v1/traces"
    assert Settings.load(environ={"HOME": str(tmp_path)}).telemetry is None


def test_they_are_no_variable_of_ours():
    with pytest.raises(SettingsError, match="FERRYMAN_TELEMETRY is not a setting"):
        Settings.load(environ={"FERRYMAN_TELEMETRY": "http://c"})
