"""What is known of each model family, as data; `ferryman eval` is where new values come from."""

from orchestrator.core.chat import Sampling
from orchestrator.core.errors import SettingsError
from orchestrator.core.roles import Profile

_PROFILES = (
    # Safe for a model nobody has measured: few tools, a context every server offers.
    Profile(name="generic"),
    # 1.5B, Q4_K_M, 30 single-step prompts over 59 tools: retrieval top-8 with three nearest
    # worked turns 28, top-5 27, all 59 with two turns 29; without worked turns 23. A decision
    # costs 0.9 to 2.5 s on two cores, nearly all of it uncached prompt.
    # Of the tuned half of the desk suite no goal that a tool can meet was further than 0.17 from
    # all tools; two that none can meet were at 0.10 and 0.11.
    # With a transcript of its own for each step, wrong tools came with margins up to 0.07.
    Profile(
        name="qwen2.5-coder",
        shortlist_k=8,
        transcript="step",
        low_margin=0.15,
        when_unsure="closest",
        abstain_similarity=0.15,
        detours="after a failure",
        mends_plans=True,
        literals="from the goal",
    ),
    # 0.5B, same prompts: 25 with 5 or 8 tools, 10 with all 59; worked turns cost it 2 to 3.
    # Good for one step, not for a plan.
    Profile(
        name="qwen2.5-coder-0.5b",
        shortlist_k=5,
        low_margin=0.2,
        transcript="step",
        detours="after a failure",
        mends_plans=True,
        literals="from the goal",
    ),
    # 135M: 15 of 30 with 5 tools. Real tokens for tests.
    Profile(name="smollm2", context_tokens=4096, shortlist_k=5, answer_tokens=120, low_margin=0.3),
    # 67 tools unfiltered, greedy: 71 % single steps, 42 % chains; nobody has measured it with a
    # shortlist, so it gets the widest one. The 2507 build has no thinking mode.
    Profile(
        name="qwen3-30b-a3b-2507",
        context_tokens=32768,
        shortlist_k=12,
        plan_tokens=1200,
        argument_tokens=512,
        answer_tokens=600,
        example_distance_tokens=1500,
    ),
    # A filter of 15 cost it 8 points of single steps (80 to 72 %) and won 8 to 10 points of
    # chains; a run is a chain. Temperature from its model card.
    Profile(
        name="lfm2-24b-a2b",
        context_tokens=32768,
        sampling=Sampling(temperature=0.1),
        shortlist_k=12,
        plan_tokens=1200,
        argument_tokens=512,
        answer_tokens=600,
        example_distance_tokens=1500,
    ),
    # It reasons before it answers and the reasoning counts as generated: wider limits. 51 %
    # single steps and 0 % chains in a benchmark that ignored its native call format.
    Profile(
        name="gpt-oss-20b",
        context_tokens=32768,
        shortlist_k=8,
        plan_tokens=2400,
        argument_tokens=1200,
        answer_tokens=1200,
        example_distance_tokens=1500,
    ),
)
_BY_NAME = {profile.name: profile for profile in _PROFILES}


def get_profile(name: str) -> Profile:
    """Look up the profile that a decision record names.

    Raises:
        SettingsError: There is none of that name; the known ones are listed.
    """
    try:
        return _BY_NAME[name]
    except KeyError:
        raise SettingsError(
            f"There is no profile named {name!r}.",
            hint=f"The known profiles are: {', '.join(_BY_NAME)}. A new model family is one entry "
            "in adapters/backends/profiles.py; `generic` suits an unmeasured one.",
        ) from None


def profile_names() -> tuple[str, ...]:
    """List the known profiles."""
    return tuple(_BY_NAME)


def profile_for(model: str, *, otherwise: str) -> str:
    """The profile of a model of ours by its name: the longest one that the name begins with.

    `qwen2.5-coder-0.5b-instruct` has one of its own, `qwen2.5-coder-1.5b-instruct` its family's.
    """
    found = [name for name in _BY_NAME if model.startswith(name)]
    return max(found, key=len, default=otherwise)
