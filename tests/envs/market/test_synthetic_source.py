"""The parameters of a synthetic market fit together, and are refused where they do not."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from benbot.envs.market.synthetic_source import (
    STREAMS,
    HiddenRegime,
    SyntheticSource,
    draw_universe,
    open_streams,
)

TWO = (
    HiddenRegime(name="a", mean_bars=50, drift=0.1, volatility=0.1),
    HiddenRegime(name="b", mean_bars=50, drift=0.0, volatility=0.2),
)


def test_the_long_run_is_what_the_transition_leaves_as_it_is() -> None:
    source = SyntheticSource()
    np.testing.assert_allclose(source.transition.sum(axis=1), 1.0)
    np.testing.assert_allclose(source.stationary @ source.transition, source.stationary)
    assert source.stationary.sum() == pytest.approx(1.0)


def test_a_regime_is_left_at_the_rate_that_gives_its_mean_duration() -> None:
    source = SyntheticSource(regimes=TWO, successors=((0, 1), (1, 0)))
    np.testing.assert_allclose(source.transition, [[0.98, 0.02], [0.02, 0.98]])


def test_without_an_edge_regimes_keep_their_looks_and_nothing_else() -> None:
    fair, planted = (SyntheticSource(variant=variant) for variant in ("no_edge", "planted"))
    assert planted.effective_regimes == planted.regimes
    for regime, original in zip(fair.effective_regimes, planted.regimes, strict=True):
        assert (regime.drift, regime.trend, regime.reversion) == (0.0, 0.0, 0.0)
        assert (regime.volatility, regime.mean_bars) == (original.volatility, original.mean_bars)


def test_every_purpose_has_random_numbers_of_its_own() -> None:
    first = {name: stream.random() for name, stream in open_streams(3).items()}
    assert set(first) == set(STREAMS)
    assert len(set(first.values())) == len(STREAMS)


def test_symbols_are_as_different_as_planned_around_the_median_one() -> None:
    source = SyntheticSource(n_symbols=1_000)
    universe = draw_universe(source, open_streams(source.seed))
    assert np.median(universe.volatility) * np.sqrt(252) == pytest.approx(0.20, rel=0.03)
    assert np.median(universe.spread) == pytest.approx(0.0004, rel=0.05)
    assert np.median(universe.dollar_volume) == pytest.approx(2e8, rel=0.1)
    assert universe.beta.mean() == pytest.approx(1.0, abs=0.02)
    assert np.bincount(universe.sector).max() - np.bincount(universe.sector).min() <= 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_symbols": 10, "n_sectors": 6}, "two symbols a sector or more, was n_symbols=10"),
        ({"garch_shock": 0.2, "garch_memory": 0.8}, "must be below 1 .* was 0.2"),
        ({"regimes": (TWO[0], TWO[0])}, "names of their own, was a, a"),
        ({"regimes": TWO}, "2 rows of 2 probabilities, one for each of a, b; was"),
        ({"regimes": TWO, "successors": ((0, 0.9), (1, 0))}, "successors of a must .* was"),
        ({"regimes": TWO, "successors": ((0, 1), (0.5, 0.5))}, "successors of b must .* 0 for b"),
        ({"tail_freedom": 2.0}, "tail_freedom\n.*greater than 2"),
        ({"n_bars": 1}, "n_bars\n.*greater than or equal to 2"),
        ({"variant": "planed"}, "variant\n.*'planted' or 'no_edge'"),
        ({"seeds": 3}, "seeds\n.*not permitted"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SyntheticSource(**changed)
