"""Folds follow one another, share no bar that counts, and are refused with the numbers."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benbot.envs.errors import BadConfig
from benbot.envs.market.market import Market, market_from_prices
from benbot.experiments.config import ExperimentConfig, load_config
from benbot.experiments.training.folds import Fold, FoldSettings, place_folds

N_BARS = 200
THREE = {"n": 3, "fit_bars": 60, "valid_bars": 20, "test_bars": 30, "embargo_bars": 4}


def weekdays() -> Market:
    days = np.busday_offset("2020-01-01", np.arange(N_BARS))
    times = days.astype("datetime64[ns]") + np.timedelta64(21, "h")
    return market_from_prices(times, ("A",), {"close": np.full((N_BARS, 1), 9.0)})


def placed(warmup: int = 0, episode_bars: int = 10, **changed: object) -> tuple[Fold, ...]:
    settings = FoldSettings.model_validate(THREE | changed)
    return place_folds(weekdays(), settings, warmup, episode_bars)


def test_every_part_has_its_bars_and_the_last_fold_ends_with_the_market() -> None:
    folds = placed()
    assert [fold.number for fold in folds] == [1, 2, 3]
    for fold in folds:
        sizes = {name: span.n_decisions for name, span in fold.spans.items()}
        assert sizes == {"fit": 60, "valid": 20, "test": 30}
        assert fold.spans["valid"].first == fold.spans["fit"].last + 5
        assert fold.spans["test"].first == fold.spans["valid"].last + 5
    assert folds[-1].spans["test"].last == N_BARS - 1
    assert folds[0].spans["fit"].first == N_BARS - 1 - (60 + 20 + 3 * 30 + 2 * 5)


def test_the_tests_of_all_folds_are_one_stretch_without_a_gap_or_a_bar_in_common() -> None:
    tests = [fold.spans["test"] for fold in placed()]
    assert all(before.last == after.first for before, after in pairwise(tests))


def test_an_expanding_fit_begins_where_the_first_one_does() -> None:
    rolling, expanding = placed(), placed(expanding=True)
    assert [fold.spans["fit"].n_decisions for fold in expanding] == [60, 90, 120]
    for one, other in zip(rolling, expanding, strict=True):
        assert one.spans["fit"].last == other.spans["fit"].last
        assert one.spans["test"] == other.spans["test"]


def test_folds_end_on_the_day_they_are_told() -> None:
    market = weekdays()
    settings = FoldSettings.model_validate(THREE | {"end": "2020-09-27"})  # a Sunday
    last = place_folds(market, settings, 0, 10)[-1].spans["test"].last
    assert str(market.days[last]) == "2020-09-25"


def test_folds_that_the_market_is_too_short_for_are_refused_with_the_numbers() -> None:
    with pytest.raises(BadConfig) as caught:
        placed(fit_bars=100)
    assert str(caught.value) == (
        "folds need 221 bars (fit_bars 100 + valid_bars 20 + 3 x test_bars 30 + gaps and the first "
        "mark), was 200 from 2020-01-01 to 2020-10-06. Take fewer or shorter folds"
    )
    with pytest.raises(BadConfig, match=r"folds.end must not come before the market, was 2019"):
        placed(end="2019-12-31")


def test_a_fold_shorter_than_warm_up_and_episode_is_refused_with_the_numbers() -> None:
    assert placed(warmup=69, episode_bars=10)  # it begins at bar 19
    with pytest.raises(BadConfig) as caught:
        placed(warmup=70, episode_bars=10)
    assert str(caught.value) == (
        "folds.fit_bars must be at least 61: 51 until the warm-up of 70 bars is over, and an "
        "episode of 10; was 60 from 2020-01-28. Lengthen it, or lower environment.episode_bars"
    )


SMALL = """
name: small
market: {source: synthetic, seed: 3, n_bars: 400}
strategies: [rsi_reversion]
"""
SEGMENTS = """
segments:
  fit: {start: 2000-01-03, end: 2000-09-29}
  valid: {start: 2000-10-02, end: 2000-12-29}
  test: {start: 2001-01-02, end: 2001-06-29}
"""


def load(tmp_path: Path, text: str, *overrides: str) -> ExperimentConfig:
    path = tmp_path / "small.yaml"
    path.write_text(text)
    return load_config(path, overrides)


def test_a_configuration_has_either_segments_or_folds(tmp_path: Path) -> None:
    folds = "folds={n: 2, fit_bars: 60, valid_bars: 20, test_bars: 30}"
    with pytest.raises(BadConfig, match="either segments or folds are needed, was neither"):
        load(tmp_path, SMALL)
    with pytest.raises(BadConfig, match="was segments and folds"):
        load(tmp_path, SMALL + SEGMENTS, folds)
    config = load(tmp_path, SMALL + SEGMENTS, folds, "segments=null")
    assert (config.segments, config.folds and config.folds.n) == (None, 2)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("folds={n: 1, fit_bars: 60, valid_bars: 20, test_bars: 30}", "folds.n must be greater"),
        ("folds={n: 2, fit_bars: 60, test_bars: 30}", "folds.valid_bars is needed (bars that the"),
        ("folds={n: 2, fit_bar: 60}", "folds.fit_bar is no key; did you mean 'fit_bars'?"),
    ],
)
def test_bad_folds_are_refused_by_their_key(tmp_path: Path, override: str, said: str) -> None:
    with pytest.raises(BadConfig) as caught:
        load(tmp_path, SMALL, override)
    assert said in str(caught.value)
