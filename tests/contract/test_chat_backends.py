"""Every backend and every fake keeps the contract of the port."""

import itertools

import pytest

from adapters.backends.llama_server import CARD as LLAMA_SERVER
from adapters.backends.openai_chat import OpenAIChatBackend, Server, pooled_transport
from adapters.backends.recorded import RecordedBackend, RecordingBackend
from adapters.backends.resilient import ResilientBackend
from adapters.backends.scheduled import ScheduledBackend, Slots
from adapters.backends.scripted import ScriptedBackend
from adapters.backends.vllm import CARD as VLLM
from adapters.clock import SystemClock
from orchestrator.core.errors import BackendUnavailable
from orchestrator.core.roles import CapabilityCard
from orchestrator.ports.chat import complete
from tests.contract import chat_backend
from tests.contract.chat_backend import ChatBackendContract
from tests.fakes.backends import FakeBackend, plausible
from tests.fakes.chat_server import serving
from tests.fakes.clock import FakeClock


class TestFake(ChatBackendContract):
    @pytest.fixture
    def backend(self):
        return FakeBackend()


class TestScripted(ChatBackendContract):
    @pytest.fixture
    def backend(self):
        return ScriptedBackend(itertools.repeat(plausible), margin=0.4)


class TestRecorded(ChatBackendContract):
    @pytest.fixture
    async def backend(self, tmp_path):
        recording = RecordingBackend(FakeBackend(), tmp_path / "replies.jsonl")
        asked = [value for value in vars(chat_backend).values() if hasattr(value, "messages")]
        asked.append(chat_backend.CHOICE.model_copy(update={"logprobs": True}))
        for request in asked:
            await complete(recording, request)
        return RecordedBackend(tmp_path / "replies.jsonl")


class TestResilient(ChatBackendContract):
    @pytest.fixture
    def backend(self):
        clock = FakeClock()
        return ResilientBackend(FlakyEverySecondTime(), clock=clock, sleep=clock.sleep)


class TestScheduled(ChatBackendContract):
    @pytest.fixture(params=[False, True], ids=["any", "by conversation"])
    def backend(self, request):
        slots = Slots(limit=1, conversations=request.param)
        return ScheduledBackend(FakeBackend(), slots, role="synthesizer", clock=FakeClock())


class FlakyEverySecondTime:
    """A good backend that refuses every second request."""

    def __init__(self):
        self._inner = FakeBackend()
        self._count = itertools.count()

    async def stream(self, request):
        if next(self._count) % 2 == 0:
            raise BackendUnavailable("Nobody answered.")
        async for item in self._inner.stream(request):
            yield item


CARDS = {"vllm": VLLM, "llama-server": LLAMA_SERVER, "portable": CapabilityCard()}


class OverLoopback(ChatBackendContract):
    """The OpenAI adapter over real sockets."""

    @pytest.fixture
    async def backend(self, card, pooled):
        async with serving() as server:
            to = Server(server.url, "fake", card=card)
            transport = pooled_transport(to) if pooled else None
            async with OpenAIChatBackend(to, clock=SystemClock(), transport=transport) as backend:
                yield backend


@pytest.mark.parametrize("pooled", [False, True], ids=["httpx", "aiohttp"])
@pytest.mark.parametrize("card", [VLLM, CapabilityCard()], ids=["vllm", "portable"])
class TestOpenAI(OverLoopback):
    pass


@pytest.mark.parametrize("pooled", [True], ids=["aiohttp"])
@pytest.mark.parametrize("card", [LLAMA_SERVER], ids=["llama-server"])
class TestLlamaServer(OverLoopback):
    pass
