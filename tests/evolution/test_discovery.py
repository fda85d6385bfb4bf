"""A hidden rule is found, and nothing where there is nothing: a small slice of the benchmark."""

import numpy as np
import pytest

from benbot.strategies.programs.features import Features
from benbot.strategies.programs.machine import evaluate
from benbot.strategies.programs.notation import from_json
from benchmarks.discovery import (
    DEVIATION,
    FORMS,
    NO_EDGE,
    WARMUP,
    hidden_market,
    look_for,
    settings,
)


@pytest.mark.parametrize("form", sorted(FORMS))
def test_what_a_formula_says_moves_the_next_bar(form: str) -> None:
    market = hidden_market(form, 0)
    program = from_json(FORMS[form].program)
    said = np.tanh(evaluate([program], Features.of(market, program.features_used))[0])
    moved = np.diff(np.log(market.close), axis=0)[WARMUP:]
    apart = moved - moved.mean(axis=1, keepdims=True)
    signal = said[WARMUP:-1]
    gain = (signal * apart).mean() / (signal**2).mean() / DEVIATION
    assert 0.1 < gain < 0.35  # it was planted as 0.2


def test_nothing_says_anything_where_there_is_no_edge() -> None:
    market = hidden_market(NO_EDGE, 0)
    moved = np.log(market.close[1:] / market.close[:-1])
    before, after = moved[:-1].ravel(), moved[1:].ravel()
    assert abs(np.corrcoef(before, after)[0, 1]) < 0.02


def test_a_hidden_reversal_is_found() -> None:
    found = look_for("reversal", 1, settings(80, 3), 1)
    assert found.is_found
    assert found.trials.n == 240


def test_nothing_survives_where_there_is_nothing() -> None:
    found = look_for(NO_EDGE, 0, settings(60, 2), 1)
    assert found.survivors == 0
