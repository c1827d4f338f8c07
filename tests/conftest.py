"""Fixtures for every layer: no network but loopback, no settings from the shell."""

import os
import socket

import pytest
from hypothesis import settings

settings.register_profile("ferryman", deadline=None, derandomize=True)
settings.load_profile("ferryman")


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_settings_from_the_shell(monkeypatch):
    for name in [key for key in os.environ if key.startswith(("FERRYMAN_", "LANGSMITH_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LANGSMITH_TRACING", "false")


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch):
    """Refuse any connection that would leave the machine."""
    real = socket.socket.connect

    def connect(self, address):
        host = address[0] if isinstance(address, tuple) else ""
        if host not in {"", "127.0.0.1", "::1", "localhost"}:
            pytest.fail(f"A test tried to leave the machine: {address}")
        return real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
