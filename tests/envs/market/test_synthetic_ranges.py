"""Parameters of synthetic markets are drawn from their ranges, each on its own."""

import numpy as np
import pytest

from benbot.envs.errors import InvalidParameter, UnknownName
from benbot.envs.market.synthetic_ranges import check_ranges, draw_source, drawable, drawn_values
from benbot.envs.market.synthetic_source import SyntheticSource

BASE = SyntheticSource(n_bars=50)
RANGES = {"spread": (0.0002, 0.001), "n_symbols": (12, 14), "decline.drift": (-0.8, -0.2)}


def test_each_parameter_is_drawn_from_its_range_and_the_others_stay() -> None:
    drawn = [draw_source(BASE, RANGES, (0, i)) for i in range(200)]
    for values, (low, high) in (
        ([each.spread for each in drawn], RANGES["spread"]),
        ([each.regimes[2].drift for each in drawn], RANGES["decline.drift"]),
    ):
        assert low <= min(values) < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < max(values) <= high
        assert np.mean(values) == pytest.approx((low + high) / 2, rel=0.1)
    together = np.corrcoef([(each.spread, each.regimes[2].drift) for each in drawn], rowvar=False)
    assert abs(together[0, 1]) < 0.2
    assert {each.n_symbols for each in drawn} == {12, 13, 14}
    assert len({each.seed for each in drawn}) == 200
    varied = {"seed", "spread", "n_symbols", "regimes"}
    rest = {name: each for name, each in BASE.model_dump().items() if name not in varied}
    assert all(rest.items() <= each.model_dump().items() for each in drawn)
    assert all(each.regimes[:2] == BASE.regimes[:2] for each in drawn)


def test_a_draw_is_a_function_of_its_words_and_a_range_more_leaves_the_others_alone() -> None:
    once, again = (draw_source(BASE, RANGES, (3, 1)) for _ in range(2))
    assert once == again
    assert draw_source(BASE, RANGES, (3, 2)) != once
    fewer = draw_source(BASE, {"spread": RANGES["spread"]}, (3, 1))
    assert (fewer.seed, fewer.spread) == (once.seed, once.spread)


def test_what_was_drawn_can_be_told() -> None:
    drawn = draw_source(BASE, RANGES, (0, 0))
    assert drawn_values(drawn, RANGES) == {
        "spread": drawn.spread,
        "n_symbols": drawn.n_symbols,
        "decline.drift": drawn.regimes[2].drift,
    }


def test_everything_that_is_a_number_may_be_drawn_but_the_seed() -> None:
    names = drawable(BASE)
    assert {"n_bars", "garch_memory", "jump_size", "advance.trend", "range.mean_bars"} <= {*names}
    assert not {"seed", "variant", "start", "news", "regimes", "advance.name"} & {*names}


@pytest.mark.parametrize(
    ("ranges", "said"),
    [
        ({"spraed": (0.0, 0.1)}, r"range must be one that exists, was 'spraed'. Did you mean spr"),
        ({"crash.drift": (0.0, 0.1)}, "range must be one that exists, was 'crash.drift'"),
        ({"spread": (0.01, 0.001)}, "spread needs low <= high, was low=0.01 high=0.001"),
        ({"spread": (float("nan"), 0.01)}, "spread needs low <= high, was low=nan"),
        ({"spread": (0.0, 0.5)}, "spread must be less than or equal to 0.02, was 0.5 as an end"),
        ({"n_symbols": (12.5, 14)}, "n_symbols must be a valid integer.*was 12.5 as an end"),
        ({"n_symbols": (3, 14)}, "n_symbols need two symbols a sector or more"),
        ({"decline.drift": (-9.0, 0.0)}, "decline.drift must be greater than or equal to -2"),
    ],
)
def test_a_range_that_cannot_be_is_refused(
    ranges: dict[str, tuple[float, float]], said: str
) -> None:
    with pytest.raises((InvalidParameter, UnknownName), match=said):
        check_ranges(BASE, ranges)
