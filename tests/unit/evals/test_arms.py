"""An arm changes exactly what it is named for."""

import pytest

from orchestrator.core.errors import SettingsError
from orchestrator.core.roles import Profile
from orchestrator.evals.arms import ARMS, arm_named
from orchestrator.evals.tuning import CHOICES
from orchestrator.evals.workbench import under
from orchestrator.policy.guards import GUARDS
from tests.fakes.evaluations import workbench
from tests.fakes.tools import InMemoryToolset

PROFILE = Profile(
    name="model",
    shortlist_k=9,
    context_tokens=4096,
    detours="after a failure",
    mends_plans=True,
    literals="from the goal",
    when_unsure="closest",
)
CHANGED = {
    "ferryman": {},
    "ferryman-no-filter": {"shortlist_k": None},
    "ferryman-k5": {"shortlist_k": 5},
    "ferryman-k8": {"shortlist_k": 8},
    "ferryman-k12": {"shortlist_k": 12},
    "ferryman-no-example": {"examples": "none"},
    "ferryman-far-example": {"examples": "far"},
    "ferryman-one-stage": {"stages": 1},
    "ferryman-no-references": {"references": False},
    "ferryman-append": {},
    "ferryman-step": {"transcript": "step"},
    "ferryman-no-look": {"looks": False},
    "ferryman-ask-again": {"when_unsure": "ask again"},
    "ferryman-detours": {"detours": "at once"},
    "ferryman-no-mending": {"mends_plans": False},
    "ferryman-free-literals": {"literals": "free"},
    "ferryman-no-repair": {"repairs": 0},
    "ferryman-contrast": {"contrast": True},
    "ferryman-generated": {"generated_examples": True},
    "ferryman-no-guard": {},
    "bare": {},
    "native": {},
}


@pytest.mark.parametrize("name", ARMS)
def test_an_arm_changes_its_own_fields_of_the_profile_and_no_other(name):
    before, after = PROFILE.model_dump(), ARMS[name].changed(PROFILE).model_dump()
    assert {key: after[key] for key in after if after[key] != before[key]} == CHANGED[name]


def test_an_arm_whose_value_is_the_models_own_still_sets_it():
    step = PROFILE.model_copy(update={"transcript": "step"})
    assert ARMS["ferryman-append"].changed(step).transcript == "append"


def test_the_loops_and_the_unguarded_arm_are_told_by_their_kind():
    kinds = {name: arm.kind for name, arm in ARMS.items() if arm.kind != "ferryman"}
    assert kinds == {"bare": "bare", "native": "native"}
    assert [name for name, arm in ARMS.items() if not arm.guarded] == ["ferryman-no-guard"]


def test_the_parts_are_the_same_but_for_the_profiles_and_the_guards():
    parts = workbench([]).parts(InMemoryToolset([]))
    fewer = under(parts, ARMS["ferryman-k5"])
    assert {player.profile.shortlist_k for player in fewer.roles.values()} == {5}
    assert fewer.roles["planner"].backend is parts.roles["planner"].backend
    assert (fewer.guards, under(parts, ARMS["ferryman-no-guard"]).guards) == (GUARDS, ())
    assert (fewer.toolset, fewer.catalogue) == (parts.toolset, parts.catalogue)


def test_an_unknown_arm_names_the_nearest():
    assert arm_named("native") is ARMS["native"]
    with pytest.raises(SettingsError, match="no arm named 'ferryman-k6'") as raised:
        arm_named("ferryman-k6")
    assert raised.value.hint.startswith("Did you mean ferryman-k")
    with pytest.raises(SettingsError) as raised:
        arm_named("?")
    assert raised.value.hint.startswith("The arms are: bare, native, ferryman, ")


@pytest.mark.parametrize("field", CHOICES)
def test_every_value_that_tuning_tries_is_one_that_a_profile_takes(field):
    for value in CHOICES[field]:
        assert Profile.model_validate({"name": "m", field: value}).model_dump()[field] == value
