"""Each caveat is said where its numbers give reason to it, and only there."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benbot.agents.evaluation import Evaluation
from benbot.envs.desk.ledger import OPTION_FILL, TRADE
from benbot.envs.market.market import Market, Origin, market_from_prices
from benbot.experiments.report.caveats import Evidence, caveats, share_alive, share_flat
from benbot.experiments.report.cost_sensitivity import BreakEven, CostCurve, CostPoint
from benbot.experiments.report.curves import curves_of
from benbot.experiments.verdict.verdict import Family, RunVerdict, judge

Maker = Callable[..., Evaluation]
YEARS = 12


def market_of(n_bars: int = 500, n_symbols: int = 10, **changed: Any) -> Market:  # noqa: ANN401
    """Return prices with a range, volume and spreads, without gaps, of which three ended early."""
    rng = np.random.default_rng(0)
    close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, (n_bars, n_symbols)), axis=0))
    close[400:, :3] = np.nan
    facts = {
        "open": close * 1.001,
        "high": close * 1.01,
        "low": close * 0.99,
        "close": close,
        "volume": np.where(np.isfinite(close), 1e6, np.nan),
        "spread": np.where(np.isfinite(close), 1e-3, np.nan),
    } | changed
    stamps = np.datetime64("2020-01-01T21", "h") + 24 * np.arange(n_bars)
    names = tuple(f"S{s}" for s in range(n_symbols))
    return market_from_prices(stamps, names, facts, origin=Origin("given.csv"))


@pytest.fixture(scope="module")
def sound() -> Market:
    return market_of()


@pytest.fixture
def ten(walk: Maker) -> list[Evaluation]:
    """Return ten seeds over twelve years that traded a lot, none of them luckily."""
    seeds = []
    for seed in range(10):
        one = walk(seed, n_bars=252 * YEARS)
        trades = np.zeros(400, TRADE)
        trades["profit"] = 100.0
        seeds.append(replace(one, trades=trades))
    return seeds


def told(market: Market, agents: list[Evaluation], **more: Any) -> dict[str, str]:  # noqa: ANN401
    return {one.title: one.text for one in caveats(Evidence(market, agents, **more))}


def verdict_of(agents: list[Evaluation], openings: int, n_trials: int) -> RunVerdict:
    curves = curves_of(dict(enumerate(agents)), [agents[0]])
    returns = curves.returns()
    return judge(curves, Family(n_trials, 0.1, returns, openings), repetitions=50)


def test_of_a_sound_run_costs_and_gaps_alone_are_to_be_said(
    sound: Market, ten: list[Evaluation]
) -> None:
    """The symbols that ended early are what is missing, and nobody survived by choice."""
    found = told(sound, ten, verdict=verdict_of(ten, 1, 10))
    assert set(found) == {"Gaps", "Costs"}
    assert "Spreads are quoted" in found["Costs"]
    assert "6.0% of all prices are missing, 0 of them between" in found["Gaps"]


def test_symbols_that_all_live_to_the_end_are_survivors(ten: list[Evaluation]) -> None:
    whole = np.full((500, 10), 50.0)
    alive = market_of(**dict.fromkeys(("open", "high", "low", "close"), whole))
    assert share_alive(alive) == 1.0
    assert share_alive(market_of()) == pytest.approx(0.7)
    assert told(alive, ten)["Survivors"].startswith("10 of 10 symbols have prices to the end")


def test_prices_that_are_all_one_number_are_closes(ten: list[Evaluation], sound: Market) -> None:
    close = sound.close
    flat = market_of(open=close, high=close, low=close, volume=np.full(close.shape, np.nan))
    assert (share_flat(flat), share_flat(sound)) == (1.0, 0.0)
    found = told(flat, ten)
    assert found["Closes only"].startswith("In 100% of all prices")
    assert "No volume" in found


def test_a_made_up_market_has_no_survivors(ten: list[Evaluation], sound: Market) -> None:
    made = replace(sound, origin=Origin("synthetic, planted_edge, seed 3"))
    assert next(iter(told(made, ten))) == "A market that was made up"


def test_a_short_test_names_its_years_and_the_error_of_a_sharpe_ratio(
    sound: Market, walk: Maker
) -> None:
    found = told(sound, [walk(1, n_bars=1008)])
    assert "4.0 years" in found["A short test"]
    assert "about 0.50 from luck" in found["A short test"]
    assert "One seed" in found


def test_few_seeds_say_how_far_they_differ(sound: Market, ten: list[Evaluation]) -> None:
    growth = sorted(one.annual_growth for one in ten[:3])
    low, high = (f"{end:+.1%}".replace("-", "−") for end in (growth[0], growth[-1]))
    assert f"grew by {low} to {high} a year" in told(sound, ten[:3])["Few seeds"]


def test_what_was_looked_at_before_and_tried_often_is_counted(
    sound: Market, ten: list[Evaluation]
) -> None:
    found = told(sound, ten, verdict=verdict_of(ten, 3, 37))
    assert "asked for 3 times" in found["A test that was looked at"]
    assert found["Many trials"].startswith("37 agents were trained")


def test_a_few_trades_that_made_it_all_are_named(
    sound: Market, ten: list[Evaluation], make_evaluation: Maker
) -> None:
    trades = np.zeros(20, TRADE)
    trades["profit"][:5] = 180.0
    lucky = replace(ten[0], equity=np.linspace(1e5, 101_000.0, ten[0].equity.size), trades=trades)
    found = told(sound, [lucky] * 10)
    assert "made 90% of what it gained" in found["A few trades made it"]
    assert "closed 20 trades on average" in found["Few trades"]


def test_the_break_even_of_the_costs_is_said(sound: Market, ten: list[Evaluation]) -> None:
    point = CostPoint(2.5, 0.0, 1.0, 1.0)
    even = CostCurve("agent", (point,), BreakEven(point, point))
    assert "stop growing at 2.5 times the costs" in told(sound, ten, costs=even)["Costs"]
    never = CostCurve("agent", (point,), None, "it never traded")
    assert "no break-even: it never traded" in told(sound, ten, costs=never)["Costs"]


def test_premiums_that_nobody_paid_are_counted(sound: Market, ten: list[Evaluation]) -> None:
    options = np.zeros(4, OPTION_FILL)
    options["is_synthetic"] = [1, 1, 1, 0]
    found = told(sound, [replace(one, options=options) for one in ten])
    assert found["Option premiums that nobody paid"].startswith("30 of 40 option fills")
    assert "Option premiums that nobody paid" not in told(sound, ten)
