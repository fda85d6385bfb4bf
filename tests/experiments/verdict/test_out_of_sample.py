"""A group outside fit is judged by numbers that can be made by hand."""

from pathlib import Path

import numpy as np
import pytest

from benbot.agents.baselines import single
from benbot.agents.evaluation import evaluate
from benbot.experiments.config import load_config
from benbot.experiments.training.preparation import prepare_experiment
from benbot.experiments.verdict.out_of_sample import Account, Judge, together
from benbot.strategies.sharpe import expected_maximum, probabilistic_2012, track_of

TINY = """
name: judged
market: {source: synthetic, seed: 3, n_bars: 700, n_symbols: 6, n_sectors: 2}
strategies: [rsi_reversion, {name: ma_crossover, fast: 4}]
segments:
  fit: {start: 2001-06-01, end: 2001-12-31}
  valid: {start: 2002-01-01, end: 2002-04-30}
  test: {start: 2002-05-01, end: 2002-08-30}
  embargo_bars: 5
evolution: {genome: programs}
"""


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    path: Path = tmp_path_factory.mktemp("judged") / "judged.yaml"
    path.write_text(TINY)
    prepared = prepare_experiment(load_config(path))
    return Judge(prepared.config, prepared.market, prepared.span("valid"))


def account(*growth: float, turnover: float = 0.0, n_trades: float = 0.0) -> Account:
    return Account(np.array(growth), turnover, n_trades)


def test_equal_parts_are_made_equal_again_at_every_close() -> None:
    up, down = np.log(1.2), np.log(0.9)
    both = together([account(up, down), account(down, up)])
    assert both == pytest.approx([np.log(1.05), np.log(1.05)])


def test_a_row_adds_trades_and_averages_turnover(judge: Judge) -> None:
    one = account(0.01, -0.01, 0.02, -0.02, turnover=4.0, n_trades=3.0)
    same = account(0.01, -0.01, 0.02, -0.02, turnover=2.0, n_trades=2.0)
    row = judge._row("two", [one, same], -one.growth)
    assert (row.members, row.turnover, row.n_trades) == (2, 3.0, 5.0)
    assert row.correlation == pytest.approx(-1.0)
    # The mean is nothing, so the ratio of four bars deviates by 1 / √4 (Lo 2002), before the year.
    assert row.sharpe_ratio == pytest.approx(0.0)
    yearly = np.sqrt(judge.ground.market.bars_per_year)
    assert row.standard_error == pytest.approx(0.5 * yearly)


def test_without_a_pool_nothing_correlates_with_it(judge: Judge) -> None:
    assert np.isnan(judge._row("one", [account(0.01, -0.01, 0.02)], None).correlation)


def test_more_pools_make_the_best_less_sure(judge: Judge) -> None:
    growth = np.random.default_rng(1).normal(0.001, 0.01, 250)
    track = track_of(growth)
    one, three = (judge.deflated([account(*growth)], n) for n in (1, 3))
    assert one == pytest.approx(probabilistic_2012(track))
    hurdle = expected_maximum(3, 250**-0.5)
    assert three == pytest.approx(probabilistic_2012(track, hurdle))
    assert three < one
    assert np.isnan(judge.deflated([], 3))


def test_a_rule_alone_turns_over_what_its_account_in_the_environment_does(judge: Judge) -> None:
    alone = judge.alone(judge.rules[1])
    prepared = prepare_experiment(judge.config)
    layout, span = prepared.history.layout, prepared.span("valid")
    traded = evaluate(
        single(layout, 1, "ma_crossover"), prepared.history, span, judge.config.environment
    )
    assert alone.n_trades == traded.trades.size > 0
    yearly = judge.ground.market.bars_per_year
    # One standard risk a trade alone, but as many as the cap allows in the environment.
    assert 0.0 < alone.turnover < traded.turnover.mean() * yearly
