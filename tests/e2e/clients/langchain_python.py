"""ChatOpenAI of langchain-openai against a service: one JSON line for everything that came back.

usage: langchain_python.py job|whole|tools URL MODEL TASK
"""

import json
import os
import sys

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI


def tell(what, **fields):
    sys.stdout.write(f"{json.dumps({'what': what, **fields}, ensure_ascii=False)}\n")
    sys.stdout.flush()


@tool
def get_weather(city: str) -> dict:
    """The weather in a city."""
    return {"weather": f"Rain, 14 degrees in {city}"}


def job(model, task):
    """Stream the task; this class passes on no reasoning, so only the answer is seen."""
    whole = None
    for chunk in model.stream(task, stream_usage=True):
        if chunk.text:
            tell("content", text=chunk.text)
        whole = chunk if whole is None else whole + chunk
    told = whole.response_metadata
    tell("finish", reason=told["finish_reason"], model=told["model_name"])
    tell("usage", **{key: whole.usage_metadata[key] for key in ("input_tokens", "output_tokens")})


def whole(model, task):
    reply = model.invoke([HumanMessage(task)])
    tell("content", text=reply.text)
    tell("finish", reason=reply.response_metadata["finish_reason"])


def tools(model, task):
    """Carry out the tools that the model asks for, until it answers."""
    bound = model.bind_tools([get_weather])
    messages = [HumanMessage(task)]
    while True:
        reply = bound.invoke(messages)
        messages.append(reply)
        if not reply.tool_calls:
            tell("content", text=reply.text)
            return
        for call in reply.tool_calls:
            tell("call", id=call["id"], name=call["name"], city=call["args"]["city"])
            result = get_weather.invoke(call["args"])
            messages.append(ToolMessage(json.dumps(result), tool_call_id=call["id"]))


def main():
    what, url, model, task = sys.argv[1:]
    key = os.environ.get("FERRYMAN_KEY", "none")
    chat = ChatOpenAI(model=model, base_url=f"{url}/v1", api_key=key, timeout=1800)
    globals()[what](chat, task)


if __name__ == "__main__":
    main()
