"""The requests of a chat page, as Open WebUI sends them, without the page.

It lists the models, streams the chat with `include_usage`, and afterwards has the same model
make a title, tags and follow-up questions out of the conversation, each in a request of its own.

usage: open_webui.py job URL MODEL TASK
"""

import asyncio
import json
import os
import sys

import aiohttp

HEADERS = {
    "Content-Type": "application/json",
    "X-OpenWebUI-User-Name": "Ana",
    "X-OpenWebUI-User-Id": "7d6d6a1e-0b1f-4c9e-9d42-1f0f3b8f2a11",
    "X-OpenWebUI-User-Role": "user",
}
ASKED = {
    "title": "Generate a concise, 3-5 word title with an emoji summarizing the chat history.",
    "tags": "Generate 1-3 broad tags categorizing the main themes of the chat history.",
    "follow_ups": "Suggest 3-5 relevant follow-up questions that the user might naturally ask.",
}


def tell(what, **fields):
    sys.stdout.write(f"{json.dumps({'what': what, **fields}, ensure_ascii=False)}\n")
    sys.stdout.flush()


def chat_body(model, messages):
    """The body of a chat, with the parameters that a person may set on the page."""
    return {
        "stream": True,
        "model": model,
        "messages": messages,
        "temperature": 0.7,
        "top_p": 0.9,
        "stream_options": {"include_usage": True},
    }


def aside_body(model, key, messages):
    """The body of a request about the conversation, which is one message of the user."""
    told = "\n".join(f"{each['role'].upper()}: {each['content']}" for each in messages)
    example = json.dumps({key: ["..."] if key != "title" else "..."})
    text = (
        f"### Task:\n{ASKED[key]}\n### Guidelines:\n- Use the language of the chat.\n"
        f"### Output:\nJSON format: {example}\n"
        f"### Chat History:\n<chat_history>\n{told}\n</chat_history>"
    )
    return {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "stream": False,
        "max_completion_tokens": 1000,
    }


async def chat(session, url, model, messages):
    """Stream a chat and give what was answered."""
    said = ""
    async with session.post(f"{url}/v1/chat/completions", json=chat_body(model, messages)) as got:
        tell("answered", status=got.status, kind=got.headers["Content-Type"])
        async for raw in got.content:
            line = raw.decode().strip()
            if line.startswith("data: {"):
                said += heard(json.loads(line.removeprefix("data: ")))
    return said


def heard(chunk):
    """Tell a chunk, and give its part of the answer."""
    if "error" in chunk:
        tell("error", **chunk["error"])
    if chunk.get("usage"):
        tell("usage", prompt_tokens=chunk["usage"]["prompt_tokens"])
    for choice in chunk.get("choices", ()):
        delta = choice["delta"]
        for field, what in (("reasoning_content", "reasoning"), ("content", "content")):
            if delta.get(field):
                tell(what, text=delta[field])
        if choice["finish_reason"]:
            tell("finish", reason=choice["finish_reason"], ferryman=chunk["ferryman"])
        return delta.get("content", "")
    return ""


async def job(url, model, task):
    headers = {**HEADERS, "Authorization": f"Bearer {os.environ.get('FERRYMAN_KEY', 'none')}"}
    timeout = aiohttp.ClientTimeout(total=1800)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        async with session.get(f"{url}/v1/models") as got:
            tell("models", names=[each["id"] for each in (await got.json())["data"]])
        messages = [{"role": "user", "content": task}]
        said = await chat(session, url, model, messages)
        messages.append({"role": "assistant", "content": said})
        for key in ASKED:
            body = aside_body(model, key, messages)
            async with session.post(f"{url}/v1/chat/completions", json=body) as got:
                reply = await got.json()
                tell(key, text=reply["choices"][0]["message"]["content"], run="ferryman" in reply)


def main():
    what, url, model, task = sys.argv[1:]
    asyncio.run({"job": job}[what](url, model, task))


if __name__ == "__main__":
    main()
