"""A binding's backend is found by name, built from its options, and nothing else is imported."""

import subprocess
import sys
from importlib import metadata

import pytest
from pydantic import SecretStr

from adapters import registry
from adapters.backends.openai_chat import OpenAIChatBackend
from adapters.backends.recorded import RecordedBackend
from adapters.backends.scripted import ScriptedBackend
from adapters.registry import Surroundings, backend_names, build_backend
from orchestrator.core.chat import ChatRequest, Message
from orchestrator.core.errors import DecisionRecordError, SettingsError
from orchestrator.core.roles import Binding, Profile
from orchestrator.ports.chat import complete
from tests.fakes.backends import FakeBackend
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.anyio


def bound(backend, **options):
    return Binding(
        role="planner",
        backend=backend,
        model="m",
        profile="p",
        record="adr/0002.md",
        options=options,
    )


def build(binding, **around):
    return build_backend(
        binding, profile=Profile(name="p"), around=Surroundings(FakeClock(), **around)
    )


@pytest.mark.parametrize(
    ("name", "constraint"),
    [("vllm", "structured_outputs"), ("llama-server", "grammar"), ("openai", "response_format")],
)
async def test_each_server_gets_the_card_of_its_kind(name, constraint):
    backend = build(bound(name), base_url="http://localhost:1", api_key=SecretStr("k"))
    assert isinstance(backend, OpenAIChatBackend)
    assert backend.card.constraint == constraint
    await backend.close()


async def test_the_address_in_the_decision_record_wins():
    backend = build(bound("vllm", base_url="http://gpu:8000/v1/", parallel=4), base_url="http://x")
    assert backend.identity().backend == "http://gpu:8000/v1"
    assert backend.card.parallel == 4
    await backend.close()


async def test_thinking_is_switched_in_every_request_body():
    backend = build(bound("openai", base_url="http://gpu", enable_thinking=False))
    assert backend._server.extra == {"chat_template_kwargs": {"enable_thinking": False}}
    await backend.close()


def test_a_server_without_an_address_names_the_setting():
    with pytest.raises(SettingsError, match="no address") as caught:
        build(bound("vllm"))
    assert "FERRYMAN_BASE_URL" in caught.value.hint
    assert "adr/0002.md" in caught.value.hint


def test_an_unknown_backend_is_named_with_those_that_there_are():
    with pytest.raises(DecisionRecordError, match=r"'vlm'.*embedded, openai, vllm"):
        build(bound("vlm"))


def test_a_misspelt_option_is_named_with_those_that_there_are():
    with pytest.raises(DecisionRecordError, match="paralel") as caught:
        build(bound("vllm", paralel=2), base_url="http://x")
    assert "parallel" in caught.value.hint


def test_the_embedded_backend_needs_to_know_its_weights():
    with pytest.raises(SettingsError, match="weights"):
        build(bound("embedded"))


def test_the_embedded_backend_takes_its_context_from_the_profile(tmp_path):
    backend = build(bound("embedded", parallel=3), model_path=tmp_path / "m.gguf")
    assert backend.card.parallel == 3
    assert backend.identity().name == "m"


async def test_a_script_is_read_from_a_file(tmp_path):
    path = tmp_path / "script.jsonl"
    path.write_text('"hello"\n{"a":1}\n')
    backend = build(bound("scripted", path=str(path)))
    assert isinstance(backend, ScriptedBackend)
    request = ChatRequest(messages=(Message(role="user", content="hi"),))
    assert [(await complete(backend, request)).text for _ in range(2)] == ["hello", '{"a":1}']


@pytest.mark.parametrize("content", [None, "{"])
def test_a_script_that_cannot_be_read_is_a_setting_to_correct(tmp_path, content):
    path = tmp_path / "script.jsonl"
    if content:
        path.write_text(content)
    with pytest.raises(SettingsError, match=r"script\.jsonl"):
        build(bound("scripted", path=str(path)))


def test_a_recording_is_read_from_a_file(tmp_path):
    path = tmp_path / "recorded.jsonl"
    path.write_text("")
    assert isinstance(build(bound("recorded", path=str(path))), RecordedBackend)


def offer(monkeypatch, value):
    point = metadata.EntryPoint(name="theirs", value=value, group=registry.ENTRY_POINTS)
    points = metadata.EntryPoints([point])
    monkeypatch.setattr(registry, "entry_points", points.select)


def theirs(binding, profile, around):
    """Stand for the factory of another package."""
    return FakeBackend()


def test_another_package_offers_its_backend_by_entry_point(monkeypatch):
    monkeypatch.setitem(sys.modules, "their_backend", sys.modules[__name__])
    offer(monkeypatch, "their_backend:theirs")
    assert "theirs" in backend_names()
    assert isinstance(build(bound("theirs")), FakeBackend)


def test_a_backend_that_is_not_installed_says_what_to_install(monkeypatch):
    offer(monkeypatch, "no_such_package_anywhere:factory")

    with pytest.raises(SettingsError, match="no_such_package_anywhere") as caught:
        build(bound("theirs"))
    assert "ferryman[theirs]" in caught.value.hint


def test_importing_the_registry_imports_no_backend():
    heavy = "httpx", "aiohttp", "jsonschema", "xllamacpp"
    code = f"import sys, adapters.registry; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
