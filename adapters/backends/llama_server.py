"""llama.cpp's server: how it differs from other OpenAI-compatible servers."""

from orchestrator.core.roles import CapabilityCard

CARD = CapabilityCard(constraint="grammar", logprobs=True, cached_tokens=True, parallel=1)
"""A choice is a GBNF grammar and a schema an OpenAI `response_format`; vLLM's fields are ignored
without a word. The server itself gives a prompt to the slot that shares most of its prefix, and
it answers whatever model name it is asked for."""
