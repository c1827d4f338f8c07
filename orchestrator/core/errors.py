"""The error tree: every exception a user can meet, who acts on it, its code and its hint.

OrchestratorError                     code, hint
  ConfigurationError                  the operator acts, nothing is retried
    SettingsError
    DecisionRecordError
    PromptError
    ToolNameClash
    PolicyError
    ModelFileError
    JournalError
  BackendError                        the retry policy acts, then the operator
    BackendUnavailable   retryable
    BackendTimeout       retryable
    BackendProtocolError retryable
      ConstraintBroken   the graph acts: one repair
    BackendRejected
    ContextOverflow
    ContextTruncated
  ModelBehaviorError                  the graph acts: one repair, then a replan
    MalformedReply
      UnsureDecision
    UnknownTool
    InvalidArguments
      MissingValue
    InvalidPlan
  ToolError                           becomes an observation, never a success
    ToolFailed
    ToolTimeout
    ToolUnavailable
    ToolOutputTooLarge
    ToolOutcomeUnknown
    ToolDefinitionChanged
  RunStopped                          ended on purpose, the journal holds what was done
    BudgetExceeded
    LoopDetected
    RunCancelled
    NeedsInput
  RequestError                        the caller of the service acts
    Unauthorized
    Forbidden
    RunNotFound
    RunConflict
    RequestTooLarge
    InvalidRequest
    ServiceBusy
"""

from typing import ClassVar


class OrchestratorError(Exception):
    """Any failure that Ferryman reports by name.

    Args:
        message: What was wrong, and where.
        hint: What to do about it; the class's own hint when left out.
    """

    code: ClassVar[str] = "error"
    default_hint: ClassVar[str] = "Run the command again with --verbose and read the journal."
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.default_hint


class ConfigurationError(OrchestratorError):
    """Something the operator wrote or left out; retrying changes nothing."""

    code = "configuration"
    default_hint = "Correct the configuration and start again."


class SettingsError(ConfigurationError):
    """A setting or the config file cannot be used."""

    code = "settings"
    default_hint = "Run `ferryman config check` to see every problem at once."


class DecisionRecordError(ConfigurationError):
    """The decision records do not bind every role exactly once."""

    code = "decision_record"
    default_hint = "Run `ferryman adr check`; each role needs exactly one accepted binding."


class PromptError(ConfigurationError):
    """A prompt or workflow example is missing, incomplete, or differs from its lock."""

    code = "prompt"
    default_hint = "Raise the prompt's version and run `ferryman prompts lock`."


class ToolNameClash(ConfigurationError):
    """Two toolsets offer the same namespace or tool."""

    code = "tool_name_clash"
    default_hint = "Rename one of the servers: its key in mcpServers is the namespace."


class PolicyError(ConfigurationError):
    """A permission rule cannot be understood."""

    code = "policy"
    default_hint = "A rule is a tool pattern and one of allow, ask, deny."


class ModelFileError(ConfigurationError):
    """The embedded model's weights are missing, incomplete, or not what they claim to be."""

    code = "model_file"
    default_hint = "Run `ferryman models pull` and then `ferryman models verify`."


class JournalError(ConfigurationError):
    """The journal cannot be opened, read, or trusted."""

    code = "journal"
    default_hint = "Run `ferryman audit verify`; nothing runs without a journal."


class BackendError(OrchestratorError):
    """A model backend did not answer as it should."""

    code = "backend"
    default_hint = "Check the backend named in `ferryman adr list`."


class BackendUnavailable(BackendError):
    """Nobody answered: refused, reset, loading, or overloaded."""

    code = "backend_unavailable"
    default_hint = "Start the backend, or wait until it has loaded its model."
    retryable = True


class BackendTimeout(BackendError):
    """No first token, a stalled stream, or the total deadline passed."""

    code = "backend_timeout"
    default_hint = "The engine may be dead behind a live port: send it one completion by hand."
    retryable = True


class BackendProtocolError(BackendError):
    """The reply was cut short or was not what the protocol promises."""

    code = "backend_protocol"
    default_hint = "Check the base URL and the server's version."
    retryable = True


class ConstraintBroken(BackendProtocolError):
    """The reply is whole but not in the form that was asked for."""

    code = "constraint_broken"
    default_hint = (
        "The engine ignored or broke the constraint: compare its capability card with its version."
    )
    retryable = False


class BackendRejected(BackendError):
    """The backend refused the request as written."""

    code = "backend_rejected"
    default_hint = "The message above is the server's own; the model name and key are usual causes."


class ContextOverflow(BackendError):
    """The prompt does not fit the model's context."""

    code = "context_overflow"
    default_hint = "Use a larger context for the profile, or split the goal."


class ContextTruncated(BackendError):
    """The backend silently dropped part of the prompt."""

    code = "context_truncated"
    default_hint = "Raise the server's context length: a cut prompt is never trusted."


class ModelBehaviorError(OrchestratorError):
    """The model answered, but not with something that can be used."""

    code = "model_behavior"
    default_hint = "The run tries one repair and then a new plan; a stronger model helps."


class MalformedReply(ModelBehaviorError):
    """The reply is not in the form that was asked for."""

    code = "malformed_reply"


class UnsureDecision(MalformedReply):
    """No tool is clearly ahead of the others, and the profile asks for one that is."""

    code = "unsure"


class UnknownTool(ModelBehaviorError):
    """The reply names a tool that is not selectable."""

    code = "unknown_tool"


class InvalidArguments(ModelBehaviorError):
    """The arguments break the tool's schema or refer to nothing."""

    code = "invalid_arguments"


class MissingValue(InvalidArguments):
    """A value was invented that nobody gave: it stands neither in the goal nor in a result.

    Attributes:
        parameter: The parameter that lacks one.
    """

    code = "missing_value"

    def __init__(self, message: str, *, parameter: str = "") -> None:
        super().__init__(message)
        self.parameter = parameter


class InvalidPlan(ModelBehaviorError):
    """The plan cannot be carried out as written."""

    code = "invalid_plan"


class ToolError(OrchestratorError):
    """A tool did not do what was asked; the run sees it as a failed observation."""

    code = "tool"
    default_hint = "The journal holds the call and its error: `ferryman runs show LAST`."


class ToolFailed(ToolError):
    """The tool itself reported a failure."""

    code = "tool_failed"


class ToolTimeout(ToolError):
    """The tool did not answer in time."""

    code = "tool_timeout"


class ToolUnavailable(ToolError):
    """The tool's server did not start or has died."""

    code = "tool_unavailable"
    default_hint = "Check the server's command in mcpServers; its last words are in the message."


class ToolOutputTooLarge(ToolError):
    """The tool answered with more than may be taken in."""

    code = "tool_output_too_large"


class ToolOutcomeUnknown(ToolError):
    """A call was begun and nobody knows whether it was carried out."""

    code = "tool_outcome_unknown"
    default_hint = "Look whether the effect happened, then resume and answer the question."


class ToolDefinitionChanged(ToolError):
    """A tool's definition is not the one that was in scope when the run began."""

    code = "tool_definition_changed"
    default_hint = "Start a new run: a changed tool is a new tool."


class RunStopped(OrchestratorError):
    """The run ended on purpose before its plan was carried out."""

    code = "run_stopped"
    default_hint = "`ferryman runs show LAST` tells what was done; `ferryman resume LAST` goes on."


class BudgetExceeded(RunStopped):
    """A limit of the run's budget was reached."""

    code = "budget_exceeded"


class LoopDetected(RunStopped):
    """The run kept doing what it had already done."""

    code = "loop_detected"


class RunCancelled(RunStopped):
    """A person cancelled the run."""

    code = "run_cancelled"


class NeedsInput(RunStopped):
    """The run waits for a person: an answer or an approval."""

    code = "needs_input"
    default_hint = "`ferryman resume LAST` asks again."


class RequestError(OrchestratorError):
    """A request to the service cannot be served as it is; the caller acts.

    Args:
        message: What was wrong, and where.
        hint: What to do about it; the class's own hint when left out.
        param: The field of the request that it is about, where it is about one.
    """

    code = "request"
    default_hint = "Correct the request and send it again."

    def __init__(self, message: str, *, hint: str | None = None, param: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.param = param


class Unauthorized(RequestError):
    """The request carries no key that is known."""

    code = "unauthorized"
    default_hint = "Send `Authorization: Bearer KEY` with a key of this service."


class Forbidden(RequestError):
    """The key is known and may not do this."""

    code = "forbidden"
    default_hint = "Use a key with the scope that the message names."


class RunNotFound(RequestError):
    """There is no such run, or it is not the caller's."""

    code = "run_not_found"
    default_hint = "`GET /v1/runs` lists the runs of this key."


class RunConflict(RequestError):
    """The run is not in a state in which this can be done, or somebody else works on it."""

    code = "run_conflict"
    default_hint = "Read the run again, and act on what it says now."


class RequestTooLarge(RequestError):
    """The body is larger or deeper than the service takes in."""

    code = "request_too_large"
    default_hint = "Send less at once, or have the operator raise the limit."


class InvalidRequest(RequestError):
    """The body is not what the route takes."""

    code = "invalid_request"


class ServiceBusy(RequestError):
    """The service takes no more work now.

    Args:
        message: What is full, or that the service is going down.
        hint: What to do about it.
        retry_after_s: Seconds after which trying again makes sense.
    """

    code = "service_busy"
    default_hint = "Try again after the seconds that `Retry-After` names."

    def __init__(
        self, message: str, *, hint: str | None = None, retry_after_s: float = 1.0
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s
