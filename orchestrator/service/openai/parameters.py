"""Parameters of OpenAI's API that are not served: which do no harm, and which are refused."""

from collections.abc import Mapping
from typing import Any

from orchestrator.core.errors import InvalidRequest

HARMLESS = frozenset(
    {
        # How a reply is drawn is a fact of each role's profile, under its decision record.
        *("temperature", "top_p", "top_k", "min_p", "typical_p", "presence_penalty"),
        *("frequency_penalty", "repetition_penalty", "repeat_penalty", "repeat_last_n"),
        *("mirostat", "mirostat_eta", "mirostat_tau", "tfs_z"),
        # Who asks, and how a provider bills and caches.
        *("user", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"),
        *("service_tier", "store", "prediction", "cache_control"),
        # How much to think and how to write: the roles' prompts say it.
        *("reasoning", "reasoning_effort", "verbosity", "truncation", "think"),
        *("num_ctx", "num_predict", "keep_alive", "chat_template_kwargs"),
    }
)
"""Hints: the result is as true and as safe without them."""

NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "n": (1,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "stop": ("", []),
    "logit_bias": ({},),
    "modalities": (["text"],),
    "response_format": ({"type": "text"},),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "parallel_tool_calls": (True,),
    "include": ([], ["reasoning.encrypted_content"]),
    "text": ({}, {"format": {"type": "text"}}),
    "suffix": ("",),
}
"""Values that ask for nothing; any other value of these parameters is refused."""

_HINTS: Mapping[str, str] = {
    "n": "Send the request again for another answer.",
    "functions": "Send `tools`, which replaced it.",
    "function_call": "Send `tool_choice`, which replaced it.",
    "response_format": "Ask for the form in words, or have a tool write a file in that form.",
    "text": "Ask for the form in words, or have a tool write a file in that form.",
    "parallel_tool_calls": "A step may call a tool once for each of its items: answer them all.",
    "audio": "Only text is read and written.",
    "conversation": "Send `previous_response_id`, or the earlier turns.",
}


def refuse_unserved(given: Mapping[str, Any]) -> None:
    """Refuse the first parameter that would change the result and is not served.

    Raises:
        InvalidRequest: It names the parameter.
    """
    for name, value in given.items():
        if value is None or name in HARMLESS or value in NEUTRAL.get(name, ()):
            continue
        told = "has a value that is not served" if name in NEUTRAL else "is not served"
        raise InvalidRequest(
            f"The parameter {name[:80]!r} {told}.",
            param=name[:80],
            hint=_HINTS.get(name, "Leave it out; docs/service/openai.md lists what is served."),
        )
