"""vLLM: how it differs from other OpenAI-compatible servers."""

from orchestrator.core.roles import CapabilityCard

CARD = CapabilityCard(
    constraint="structured_outputs", logprobs=True, cached_tokens=True, parallel=32
)
"""The old `guided_*` fields are ignored without a word; cached tokens are counted in whole blocks
and only with `--enable-prompt-tokens-details`. One prefix cache serves every conversation."""
