"""The arms of an evaluation: the same model and tools, with one thing different."""

import difflib
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, JsonValue

from orchestrator.core.chat import Frozen
from orchestrator.core.errors import SettingsError
from orchestrator.core.roles import Profile


class Arm(Frozen):
    """One way of carrying a case. `profile` are the values that it changes in the model's own."""

    name: str
    about: str
    kind: Literal["ferryman", "bare", "native"] = "ferryman"
    profile: dict[str, JsonValue] = Field(default_factory=dict)
    guarded: bool = True

    def changed(self, profile: Profile) -> Profile:
        """The model's profile under this arm."""
        return Profile.model_validate({**profile.model_dump(), **self.profile})


def _without(name: str, about: str, **profile: JsonValue) -> Arm:
    return Arm(name=f"ferryman-{name}", about=about, profile=profile)


ARMS: Mapping[str, Arm] = {
    arm.name: arm
    for arm in (
        Arm(name="bare", kind="bare", about="all tools and examples in the system prompt"),
        Arm(name="native", kind="native", about="the usual tool loop, `tools` in the request"),
        Arm(name="ferryman", about="as the model's profile says"),
        _without("no-filter", "a decision sees every tool", shortlist_k=None),
        _without("k5", "a decision sees 5 tools", shortlist_k=5),
        _without("k8", "a decision sees 8 tools", shortlist_k=8),
        _without("k12", "a decision sees 12 tools", shortlist_k=12),
        _without("no-example", "no worked decision", examples="none"),
        _without("far-example", "the worked decisions at the top of the prompt", examples="far"),
        _without("one-stage", "tool and arguments in one reply", stages=1),
        _without("no-references", "arguments are values, not references", references=False),
        _without("append", "one transcript for the whole run", transcript="append"),
        _without("step", "a short transcript for each step", transcript="step"),
        _without("no-look", "no folder is looked into", looks=False),
        _without("ask-again", "an unsure model is asked again", when_unsure="ask again"),
        _without("detours", "other namespaces and search at every decision", detours="at once"),
        _without("no-mending", "a plan is taken at its word", mends_plans=False),
        _without("free-literals", "a value may be invented", literals="free"),
        _without("no-repair", "no second try at arguments", repairs=0),
        _without("contrast", "siblings say what they are not for", contrast=True),
        _without("generated", "examples made from a schema", generated_examples=True),
        Arm(name="ferryman-no-guard", about="nothing is refused or answered", guarded=False),
    )
}
"""Every arm by name. Those that begin with `ferryman-` change one thing against `ferryman`."""


def arm_named(name: str) -> Arm:
    """Look an arm up.

    Raises:
        SettingsError: There is none of that name.
    """
    try:
        return ARMS[name]
    except KeyError:
        near = difflib.get_close_matches(name, ARMS, n=1)
        raise SettingsError(
            f"There is no arm named {name!r}.",
            hint=f"Did you mean {near[0]}?" if near else f"The arms are: {', '.join(ARMS)}.",
        ) from None
