"""Requests as clients of OpenAI's API send them, and an office that can be held at its work."""

import asyncio

from tests.fakes.office import Office, Writer, act, plan, screenshots, step
from tests.fakes.serving import GOAL, frames

CHAT = "/v1/chat/completions"
TASK = "What is the weather in Lisbon?"
ASKS = plan(step("s1", "get the weather in Lisbon", "client"))
CALL = act("client.get_weather", city="Lisbon")
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
RAIN = Writer("Rain, 14 degrees in Lisbon.")


def chat(task=GOAL, model="ferryman-auto", **fields):
    """The body of a chat completion."""
    return {"model": model, "messages": [{"role": "user", "content": task}], **fields}


def chunks(text):
    """The chunks of a stream, which has to end as such streams do."""
    body, done, rest = text.rpartition("data: [DONE]\n\n")
    assert done
    assert not rest
    return [data for _, _, data in frames(body)]


class Held:
    """A call that waits until it is let go; `asked` is set once it waits."""

    def __init__(self):
        self.asked, self.let_go = asyncio.Event(), asyncio.Event()


def slow_office(held):
    """An office whose first tool call waits until it is let go."""
    office = Office(images=screenshots(3))
    real = office.desk.call

    async def call(asked):
        held.asked.set()
        await held.let_go.wait()
        return await real(asked)

    office.desk.call = call
    return office
