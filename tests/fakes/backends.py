"""Backends for tests that are about something else than the script of a run."""

import json

from orchestrator.core.chat import ChatReply, Choice, JsonSchema, TextDelta, Usage


def pieces(text, size=4):
    """Cut a text as a stream would."""
    return [text[at : at + size] for at in range(0, len(text), size)]


def plausible(request):
    """Answer any request in its own form: the first option, the least object, a sentence."""
    if isinstance(request.constraint, Choice):
        return request.constraint.options[0]
    if isinstance(request.constraint, JsonSchema):
        return json.dumps(least(request.constraint.json_schema))
    return "Red, green and blue are colours that everybody can name."


def least(schema):
    """Make the smallest value that satisfies a plain schema."""
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        wanted = schema.get("required", [])
        return {key: least(part) for key, part in schema["properties"].items() if key in wanted}
    plain = {"string": "", "integer": 0, "number": 0, "boolean": False, "array": [], "null": None}
    return plain[schema["type"]]


class FakeBackend:
    """A backend that is always up and always says something plausible."""

    def __init__(self, answer=plausible):
        self.requests = []
        self._answer = answer

    async def stream(self, request):
        self.requests.append(request)
        said = pieces(self._answer(request))
        kept = said[: request.max_tokens]
        for piece in kept:
            yield TextDelta(text=piece)
        yield ChatReply(
            text="".join(kept),
            usage=Usage(prompt=len(request.messages), generated=len(kept)),
            truncated=len(kept) < len(said),
            model="fake",
        )


class FaultyBackend:
    """A backend whose attempts go as told: each is the pieces of a stream, or what breaks it."""

    def __init__(self, *attempts):
        self.requests = []
        self.closed = 0
        self._attempts = iter(attempts)

    async def stream(self, request):
        self.requests.append(request)
        said = []
        try:
            for item in next(self._attempts):
                if isinstance(item, Exception):
                    raise item
                said.append(item)
                yield TextDelta(text=item)
            yield ChatReply(text="".join(said), model="faulty")
        finally:
            self.closed += 1
