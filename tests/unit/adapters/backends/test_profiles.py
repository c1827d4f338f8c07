import pytest

from adapters.backends.profiles import get_profile, profile_names
from orchestrator.core.errors import SettingsError


@pytest.mark.parametrize("name", profile_names())
def test_every_listed_profile_is_found_under_its_own_name(name):
    assert get_profile(name).name == name


def test_the_families_of_the_decision_records_are_known():
    assert {"qwen2.5-coder", "qwen3-30b-a3b-2507", "lfm2-24b-a2b", "generic"} <= set(
        profile_names()
    )


def test_a_smaller_model_chooses_from_fewer_tools():
    assert get_profile("qwen2.5-coder-0.5b").shortlist_k < get_profile("qwen2.5-coder").shortlist_k


def test_an_unknown_profile_is_refused_with_the_known_names():
    with pytest.raises(SettingsError, match="no profile named 'qwen9'") as refused:
        get_profile("qwen9")
    assert all(name in refused.value.hint for name in profile_names())
