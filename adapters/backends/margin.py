"""How sure the model was of the option it chose, read from token probabilities."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

Alternatives = Sequence[tuple[bytes, float]]


def choice_margin(
    options: Sequence[str], chosen: str, tokens: Sequence[Mapping[str, Any]]
) -> float | None:
    """Give the lead of the chosen option over the best rival, as probability 0 to 1.

    Along the generated tokens, probability is renormalised over the tokens that still lead to
    some option, because engines report it before the grammar masks. The lead is taken at every
    token where options part, in terms of the whole option, so a common namespace in front
    does not count as certainty.

    Args:
        options: Everything that could have been chosen.
        chosen: The option that was generated.
        tokens: One entry a token in the shape of OpenAI's `logprobs.content`, in order.

    Returns:
        None if no entry says anything about the options; 0 if a rival was as likely.
    """
    encoded = {option.encode() for option in options}
    winner, done = chosen.encode(), b""
    reached, rival, seen = 1.0, 0.0, False
    for token in tokens:
        text, alternatives = _read(token)
        live = {option for option in encoded if option.startswith(done)}
        shares = _shares(live, done, alternatives)
        if len(live) > 1 and any(not option.startswith(done + text) for option in live):
            seen = True
            here = _toward(winner, done, shares)
            rival = max([rival, *(reached * p for p in _rivals(live, winner, done, shares))])
            reached *= here
        done += text
    return min(1.0, max(0.0, reached - rival)) if seen else None


def _read(token: Mapping[str, Any]) -> tuple[bytes, Alternatives]:
    ranked = {_bytes(top): math.exp(top["logprob"]) for top in token.get("top_logprobs") or ()}
    ranked.setdefault(_bytes(token), math.exp(token["logprob"]))
    return _bytes(token), tuple(ranked.items())


def _bytes(token: Mapping[str, Any]) -> bytes:
    raw = token.get("bytes")
    return bytes(raw) if raw is not None else str(token.get("token", "")).encode()


def _shares(live: set[bytes], done: bytes, alternatives: Alternatives) -> dict[bytes, float]:
    """Keep the tokens that lead to a live option, scaled to a sum of 1."""
    valid = {
        text: p
        for text, p in alternatives
        if text and any(option.startswith(done + text) for option in live)
    }
    total = sum(valid.values())
    return {text: p / total for text, p in valid.items()} if total > 0 else {}


def _toward(option: bytes, done: bytes, shares: Mapping[bytes, float]) -> float:
    return sum(p for text, p in shares.items() if option.startswith(done + text))


def _rivals(
    live: set[bytes], winner: bytes, done: bytes, shares: Mapping[bytes, float]
) -> list[float]:
    """Give each other live option the tokens that lead to it and away from the winner."""
    away = {text: p for text, p in shares.items() if not winner.startswith(done + text)}
    return [_toward(option, done, away) for option in live - {winner}]
