"""What a chat page asks for its own sake: a title, tags, a follow-up question.

Such a request tells the whole conversation again and asks for a few words about it. Carried out
as a task it could do everything a second time, so the synthesizer answers it, which has no tools.
"""

from contextlib import aclosing

from orchestrator.core.chat import ChatReply, ChatRequest, Message
from orchestrator.core.errors import BackendProtocolError
from orchestrator.core.runs import RunState
from orchestrator.service.context import Service
from orchestrator.service.openai.narration import Narration
from orchestrator.service.openai.turns import Turn

MOST_TOKENS = 300
_OPENING, _CONVERSATION = "### Task:", "<chat_history>"


def is_aside(turns: list[Turn]) -> bool:
    """Whether a request is one of a chat page about its own conversation (as Open WebUI's are)."""
    text = turns[-1].text.lstrip() if turns and turns[-1].role == "user" else ""
    return text.startswith(_OPENING) and _CONVERSATION in text


async def answered(service: Service, text: str, *, tokens: int | None) -> tuple[str, Narration]:
    """The synthesizer's own words, and what they cost.

    Raises:
        BackendError: Its model did not answer as it should.
    """
    player = service.orchestrator.parts.roles["synthesizer"]
    asked = ChatRequest(
        messages=(Message(role="user", content=text),),
        sampling=player.profile.sampling,
        max_tokens=min(tokens or MOST_TOKENS, MOST_TOKENS),
        slot="aside",
    )
    async with aclosing(player.backend.stream(asked)) as items:
        async for item in items:
            if isinstance(item, ChatReply):
                told = Narration()
                told.state = RunState(usage=item.usage)
                return item.text.strip(), told
    raise BackendProtocolError("The synthesizer's backend ended its stream without a reply.")
