"""Records of an evaluation that never was: three arms and two ablations, by a fixed recipe."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.core.chat import Usage
from orchestrator.evals.records import Measured, Record, Score
from orchestrator.evals.traces import ModelUse, Trace

ARMS = {
    "bare": (0.35, 0.10),
    "native": (0.45, 0.16),
    "ferryman": (0.93, 0.62),
    "ferryman-no-example": (0.84, 0.35),
    "ferryman-no-guard": (0.92, 0.55),
    "ferryman-no-two-stage": (0.80, 0.58),
}
REASONS = (
    "/data/invoices/acme-17.txt is missing.",
    "/data/invoices/globex-3.txt is missing.",
    "'report.md' does not contain the total 1840.",
    "The model asked instead of acting.",
)
BEGUN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


class Maker:
    """Makes measured things and their records."""

    def __init__(self, model="tiny-1b"):
        self.model = model

    def measured(self, arm, **changes):
        values = {"suite": "desk", "suite_digest": "5" * 64, "arm": arm, "model": self.model}
        values |= {"code": "c" * 64, "tools": "7" * 64, "tool_count": 59, "machine": "2 cores"}
        return Measured(**{**values, "prompts": {"decide": "decide@3"}, **changes})

    def use(self, purpose="choose", **changes):
        values = {"usage": Usage(prompt=900, cached=800, generated=12), "seconds": 0.4}
        return ModelUse(purpose=purpose, **{"decision": 0, **values, **changes})

    def record(self, case, arm="ferryman", *, solved=True, score=None, trace=None, **changes):
        values = {"case": case, "kind": "single", "split": "tuned", "model": self.model}
        values |= {"arm": arm, "measured": f"digest-of-{arm}", "at": BEGUN}
        return Record(
            **{**values, **changes},
            trace=trace or Trace(status="completed", model=(self.use(),), seconds=1.0),
            score=score or Score(solved=solved, failures=() if solved else (REASONS[0],)),
        )

    def suite(self, singles=120, chains=60, arms=ARMS):
        records = [
            self._drawn(arm, kind, number)
            for arm in arms
            for kind, count in (("single", singles), ("chain", chains))
            for number in range(count)
        ]
        return records, {f"digest-of-{arm}": self.measured(arm) for arm in arms}

    def _drawn(self, arm, kind, number):
        draw = random.Random(f"{arm}/{kind}/{number}")
        steps = 1 if kind == "single" else 2 + number % 6
        solved = draw.random() < ARMS[arm][kind == "chain"]
        uses = [use for step in range(steps) for use in self._uses(arm, step, draw)]
        right = {step: draw.random() < 0.95 if solved else draw.random() < 0.6 for step in range(9)}
        loose = not arm.startswith("ferryman")
        return self.record(
            f"{kind}-{number:03}",
            arm,
            kind=kind,
            difficulty=("easy", "medium", "hard")[number % 3],
            tags=(
                ("rename", "search", "ask", "fan-out")[number % 4],
                ("files", "mail")[number % 2],
            ),
            split="tuned" if number % 2 else "held_out",
            run_id="" if loose else f"run-{arm}-{kind}-{number:03}",
            at=BEGUN + timedelta(seconds=number),
            trace=Trace(
                status="completed" if solved or draw.random() < 0.7 else "out_of_rounds",
                model=tuple(uses),
                seconds=sum(use.seconds for use in uses) + draw.random(),
                refused=0 if loose else draw.randrange(2),
            ),
            score=Score(
                solved=solved,
                failures=() if solved else (draw.choice(REASONS),),
                first_tool=solved or draw.random() < 0.3,
                tools=1.0 if solved else draw.random(),
                arguments=1.0 if solved else draw.random() / 2,
                in_order=solved,
                crossings=1.0 if solved else 0.5,
                fixations=draw.randrange(3) if loose and not solved else 0,
                identical=int(loose and not solved),
                wasted=draw.randrange(3),
                valid=1.0 if not loose else 0.9,
                plan_length=None if loose else (steps - draw.randrange(2)) / steps,
                right={} if loose else right,
            ),
        )

    def _uses(self, arm, step, draw):
        if not arm.startswith("ferryman"):
            usage = Usage(prompt=9000 + 300 * step, cached=7000 if step else 0, generated=40)
            distance = 9000 if arm == "bare" else None
            yield self.use(
                "round", decision=step, usage=usage, seconds=4 + draw.random(), distance=distance,
                shown=59, disclosed=0 if step else 59,
            )  # fmt: skip
            return
        far = None if arm == "ferryman-no-example" else draw.randrange(20, 260)
        fresh = 12 if step == 0 else 0
        first = Usage(prompt=700 + 40 * step, cached=690 if step else 300, generated=4)
        yield self.use(
            decision=step, usage=first, margin=draw.random() ** 0.3, distance=far, shown=12,
            disclosed=fresh, seconds=0.3 + draw.random() / 3,
        )  # fmt: skip
        then = Usage(prompt=760 + 40 * step, cached=740, generated=30)
        yield self.use("arguments", decision=step, usage=then, seconds=0.5 + draw.random() / 3)


@pytest.fixture(scope="session")
def maker():
    return Maker()


@pytest.fixture(scope="session")
def drawn(maker):
    return maker.suite(singles=40, chains=20)
