"""What a caller is told: a status and a code for each error, and nothing that is not theirs."""

import json

import pytest

from orchestrator.core import errors
from orchestrator.service.errors import BROKEN, answer_to, body_of, status_of, told

SECRET = "sk-canary at /home/ana/.config"


def leaves():
    kinds = [errors.OrchestratorError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return [kind for kind in kinds if kind.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", leaves())
def test_every_error_has_a_status_a_code_and_a_sentence(kind):
    response = answer_to(kind(SECRET))
    said = json.loads(response.body)["error"]
    assert 400 <= response.status_code < 600
    assert said["code"] == kind.code
    assert said["message"]
    assert said["hint"]
    assert (SECRET in said["message"]) is issubclass(kind, errors.RequestError)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (errors.Unauthorized("x"), 401, "authentication_error"),
        (errors.Forbidden("x"), 403, "permission_error"),
        (errors.RunNotFound("x"), 404, "not_found_error"),
        (errors.RunConflict("x"), 409, "conflict_error"),
        (errors.RequestTooLarge("x"), 413, "invalid_request_error"),
        (errors.InvalidRequest("x"), 400, "invalid_request_error"),
        (errors.ServiceBusy("x"), 503, "server_error"),
        (errors.JournalError("x"), 503, "server_error"),
        (errors.BackendTimeout("x"), 502, "server_error"),
        (errors.ToolDefinitionChanged("x"), 409, "conflict_error"),
        (errors.RunCancelled("x"), 500, "server_error"),
    ],
)
def test_the_caller_s_errors_have_the_status_that_clients_know(error, status, kind):
    assert status_of(error) == status
    assert body_of(error).error.type == kind


def test_a_busy_service_says_when_to_come_back():
    assert answer_to(errors.ServiceBusy("x", retry_after_s=2.1)).headers["retry-after"] == "3"
    assert answer_to(errors.ServiceBusy("x", retry_after_s=0)).headers["retry-after"] == "1"
    assert answer_to(errors.Unauthorized("x")).headers["www-authenticate"] == "Bearer"


def test_an_error_that_nobody_foresaw_tells_nothing():
    assert told(ValueError(SECRET)) is BROKEN
    assert SECRET not in BROKEN.model_dump_json()


def test_answers_about_errors_are_kept_by_nobody():
    assert answer_to(errors.RunNotFound("x")).headers["cache-control"] == "no-store"
