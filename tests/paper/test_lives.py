"""Whatever happens in whatever order, the invariants of an account hold."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.paper.conftest import ALPACA

pytest.importorskip("alpaca", reason=ALPACA)

from tests.paper.lives import Life

UNHURRIED = {"deadline": None, "suppress_health_check": list(HealthCheck)}


def test_a_few_lives_break_no_invariant() -> None:
    run_state_machine_as_test(
        Life, settings=settings(max_examples=3, stateful_step_count=15, **UNHURRIED)
    )


@pytest.mark.nightly
def test_five_hundred_long_lives_break_none() -> None:
    run_state_machine_as_test(
        Life, settings=settings(max_examples=500, stateful_step_count=100, **UNHURRIED)
    )
