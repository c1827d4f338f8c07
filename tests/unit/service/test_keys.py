"""Keys: only hashes are kept, a change holds at once, and losing them opens nothing."""

import json
import stat
from datetime import UTC, datetime

import pytest

from orchestrator.core.errors import SettingsError
from orchestrator.service.gate.keys import LOCAL, Keyring

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def keyring(tmp_path):
    return Keyring(tmp_path / "state" / "keys.json")


def made(keyring, name="ana", tenant="", scopes=("run",)):
    return keyring.add(name, tenant=tenant, scopes=scopes, now=NOW)


def test_without_any_key_everybody_is_the_user_of_this_machine(keyring):
    assert keyring.caller("") == LOCAL
    assert keyring.caller("anything") == LOCAL
    assert not keyring.required


def test_a_key_is_known_by_its_hash_alone_and_only_its_owner_can_read_the_file(keyring):
    token = made(keyring, tenant="red", scopes=("approve", "run"))
    caller = keyring.caller(token)
    assert (caller.name, caller.tenant, caller.scopes) == ("ana", "red", {"run", "approve"})
    written = keyring.path.read_text()
    assert token not in written
    assert token.removeprefix("fm_") not in written
    assert stat.S_IMODE(keyring.path.stat().st_mode) == 0o600
    assert [path.name for path in keyring.path.parent.iterdir()] == ["keys.json"]


@pytest.mark.parametrize("wrong", ["", "fm_", "ana", "\udce4", "x" * 100_000])
def test_what_is_no_key_lets_nobody_in(keyring, wrong):
    made(keyring)
    assert keyring.caller(wrong) is None


def test_a_running_service_sees_a_key_that_is_made_or_taken_back(keyring):
    running = Keyring(keyring.path)
    assert running.caller("") == LOCAL
    token = made(keyring)
    assert running.caller("") is None
    assert running.caller(token).name == "ana"
    keyring.revoke("ana", now=NOW)
    assert running.caller(token) is None


def test_taking_the_last_key_back_does_not_open_the_service(keyring):
    made(keyring)
    keyring.revoke("ana", now=NOW)
    assert Keyring(keyring.path).caller("") is None


def test_losing_the_file_does_not_open_a_service_that_runs(keyring):
    token = made(keyring)
    keyring.path.unlink()
    assert keyring.caller("") is None
    assert keyring.caller(token) is None


def test_a_public_service_demands_a_key_even_if_there_is_none(keyring):
    keyring.demand()
    assert keyring.caller("") is None


@pytest.mark.parametrize("written", ["", "{", '{"keys": [{"name": "x"}]}', '{"other": []}'])
def test_a_damaged_file_lets_nobody_in(keyring, written):
    token = made(keyring)
    keyring.path.write_text(written)
    for _ in range(2):
        with pytest.raises(SettingsError, match="cannot be read"):
            keyring.caller(token)


def test_a_name_is_given_once_until_it_is_taken_back(keyring):
    first = made(keyring)
    with pytest.raises(SettingsError, match="already"):
        made(keyring)
    keyring.revoke("ana", now=NOW)
    second = made(keyring)
    assert keyring.caller(first) is None
    assert keyring.caller(second).name == "ana"
    assert [key.revoked for key in keyring.listed()] == [NOW, None]


def test_what_is_not_there_cannot_be_taken_back(keyring):
    with pytest.raises(SettingsError, match="no key named"):
        keyring.revoke("ana", now=NOW)


@pytest.mark.parametrize(("name", "tenant"), [("", ""), ("a b", ""), ("a/b", ""), ("ana", "a/b")])
def test_names_stay_plain(keyring, name, tenant):
    with pytest.raises(SettingsError, match="cannot be"):
        made(keyring, name, tenant)


def test_admin_includes_every_scope_and_no_other_does(keyring):
    admin = keyring.caller(made(keyring, "root", scopes=("admin",)))
    runner = keyring.caller(made(keyring, "bob"))
    assert [admin.may(scope) for scope in ("run", "approve", "admin")] == [True] * 3
    assert [runner.may(scope) for scope in ("run", "approve", "admin")] == [True, False, False]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="Not a directory"):
        made(Keyring(tmp_path / "file" / "keys.json"))
    (tmp_path / "keys.json").mkdir()
    with pytest.raises(SettingsError, match="Is a directory"):
        made(Keyring(tmp_path / "keys.json"))


def test_the_file_says_everything_but_the_key(keyring):
    made(keyring, tenant="red")
    [key] = json.loads(keyring.path.read_text())["keys"]
    assert key["name"] == "ana"
    assert key["tenant"] == "red"
    assert len(key["sha256"]) == 64
