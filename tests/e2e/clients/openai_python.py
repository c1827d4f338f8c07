"""The official openai package against a service: one JSON line for everything that came back.

usage: openai_python.py job|whole|tools|responses|background|errors URL MODEL TASK
"""

import json
import os
import sys

import openai

WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


def tell(what, **fields):
    sys.stdout.write(f"{json.dumps({'what': what, **fields}, ensure_ascii=False)}\n")
    sys.stdout.flush()


def job(client, model, task):
    """Stream the task as a chat, as most programs do."""
    tell("models", names=[each.id for each in client.models.list()])
    stream = client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": task}],
        stream=True,
        stream_options={"include_usage": True},
    )
    for chunk in stream:
        for choice in chunk.choices:
            if line := getattr(choice.delta, "reasoning_content", None):
                tell("reasoning", text=line)
            if choice.delta.content:
                tell("content", text=choice.delta.content)
            if choice.finish_reason:
                tell("finish", reason=choice.finish_reason, ferryman=chunk.model_extra["ferryman"])
        if chunk.usage:
            tell("usage", **chunk.usage.model_dump(include={"prompt_tokens", "completion_tokens"}))


def whole(client, model, task):
    reply = client.chat.completions.with_raw_response.create(
        model=model, messages=[{"role": "user", "content": task}]
    )
    parsed = reply.parse()
    choice = parsed.choices[0]
    tell("header", run=reply.headers["x-ferryman-run"])
    tell("content", text=choice.message.content)
    tell("finish", reason=choice.finish_reason, ferryman=parsed.model_extra["ferryman"])


def tools(client, model, task):
    """Carry out the tools that the model asks for, until it answers."""
    messages = [{"role": "user", "content": task}]
    offered = [{"type": "function", "function": WEATHER}]
    while True:
        reply = client.chat.completions.create(model=model, messages=messages, tools=offered)
        choice = reply.choices[0]
        tell("finish", reason=choice.finish_reason, ferryman=reply.model_extra["ferryman"])
        if choice.finish_reason != "tool_calls":
            tell("content", text=choice.message.content)
            return
        messages.append(choice.message.model_dump(exclude_none=True))
        for call in choice.message.tool_calls:
            city = json.loads(call.function.arguments)["city"]
            tell("call", id=call.id, name=call.function.name, city=city)
            messages.append(
                {
                    "role": "tool",
                    "tool_call_id": call.id,
                    "content": json.dumps({"weather": f"Rain, 14 degrees in {city}"}),
                }
            )


def responses(client, model, task):
    """Stream a response with a tool of our own, give its result, and look the end up by its id."""
    offered = [{"type": "function", "strict": False, **WEATHER}]
    given = {"input": task}
    while True:
        with client.responses.stream(model=model, tools=offered, **given) as stream:
            for event in stream:
                tell("event", type=event.type, number=event.sequence_number)
            final = stream.get_final_response()
        calls = [item for item in final.output if item.type == "function_call"]
        if not calls:
            tell("content", text=final.output_text, id=final.id, status=final.status)
            again = client.responses.retrieve(final.id)
            tell("retrieved", text=again.output_text, status=again.status)
            return
        outputs = [
            {
                "type": "function_call_output",
                "call_id": call.call_id,
                "output": json.dumps({"weather": "Rain, 14 degrees in Lisbon"}),
            }
            for call in calls
        ]
        given = {"input": outputs, "previous_response_id": final.id}


def background(client, model, task):
    """Start a response, leave, come back to its stream, and ask about it afterwards."""
    started = client.responses.create(model=model, input=task, background=True)
    tell("started", id=started.id, status=started.status)
    for event in client.responses.retrieve(started.id, stream=True):
        tell("event", type=event.type, number=event.sequence_number)
    done = client.responses.retrieve(started.id)
    tell("content", text=done.output_text, status=done.status)
    after = client.responses.create(
        model=model, input="What did you do?", previous_response_id=started.id, background=True
    )
    tell("cancelled", status=client.responses.cancel(after.id).status)


def errors(client, model, task):
    asked = {"messages": [{"role": "user", "content": task}]}
    for name, fields in (
        ("model", {"model": "gpt-4"}),
        ("parameter", {"model": model, "n": 2}),
        ("image", {"model": model, "messages": [_image()]}),
    ):
        try:
            client.chat.completions.create(**{**asked, **fields})
        except openai.APIStatusError as error:
            tell(name, kind=type(error).__name__, code=error.code, param=error.param)


def _image():
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    return {"role": "user", "content": [part]}


def main():
    what, url, model, task = sys.argv[1:]
    key = os.environ.get("FERRYMAN_KEY", "none")
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, timeout=1800)
    globals()[what](client, model, task)


if __name__ == "__main__":
    main()
