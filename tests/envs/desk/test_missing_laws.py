"""Over random worlds, what is not a number opens nothing, and nothing is opened without weight."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benbot.envs.arrays import BoolArray, frozen
from benbot.envs.covariance.rows import bounds, tied_symbols
from benbot.envs.desk.reasons import Exit
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.tape import Tape
from tests.envs.desk.steps import (
    ENTERED,
    FEW,
    PRICES,
    law,
    open_desk,
    positions_of,
    seeds,
    steps_of,
    tape_of,
    trade_through,
    written,
)
from tests.envs.desk.worlds import FIRST, random_world

# What is not a number opens nothing, and stays out of the book.


def spoil(tape: Tape, rng: np.random.Generator) -> Tape:
    """Return a tape with missing bars, and NaN in everything that a gate must survive."""

    def holes(shape: tuple[int, ...], share: float = 0.03) -> BoolArray:
        spoilt: BoolArray = rng.random(shape) < share
        return spoilt

    bars, facts, sizing = tape.bars.copy(), tape.facts.copy(), tape.sizing.copy()
    shape = tape.bars.shape
    missing = holes(shape)
    for name in PRICES:
        bars[name][missing] = np.nan
    bars["borrow_rate"][holes(shape)] = np.nan
    for name in ("adv", "age", "beta"):
        facts[name][holes(shape)] = np.nan
    for name in ("deviation", "budget"):
        sizing[name][holes(shape)] = np.nan
    value, stop, covariance = tape.value.copy(), tape.stop.copy(), tape.covariance.copy()
    value[holes(value.shape)] = np.nan
    value[:, :, shape[1] :] = 0.0  # behind the symbols there is nothing
    stop[holes(stop.shape)] = np.nan
    unknown = holes(covariance.shape)
    covariance[unknown | unknown.transpose(0, 2, 1)] = np.nan
    row = tape.calendar["risk_row"]
    facts["swing"] = np.where(row[:, None] >= 0, bounds(covariance)[row], np.nan)
    return tape._replace(
        bars=bars,
        facts=facts,
        sizing=sizing,
        value=value,
        stop=frozen(stop),
        covariance=covariance,
        tied=tied_symbols(covariance, 0.75),
    )


def numbers_behind(tape: Tape, rules: DeskRules, decision: Any) -> dict[str, float]:  # noqa: ANN401
    """Return what must be a number, or the trade was none."""
    t, k, s = int(decision["bar"]), int(decision["strategy"]), int(decision["symbol"])
    now, facts, sizing = tape.bars[t, s], tape.facts[t, s], tape.sizing[t, s]
    numbers = {"open": tape.bars["open"][t + 1, s], "age": facts["age"]}
    if not decision["enlarges"]:
        numbers |= {"close": now["close"], "value": tape.value[t, k, s], "stop": tape.stop[t, k, s]}
        numbers["budget"] = sizing["budget"]
        if rules.sizing.method == "volatility":
            numbers["deviation"] = sizing["deviation"]
    if decision["wanted"] < 0.0:
        numbers["borrow rate"] = now["borrow_rate"]
    if rules.limits.beta < 100.0:
        numbers["beta"] = facts["beta"]
    if rules.gates.participation < 1.0:
        numbers["adv"] = facts["adv"]
    if rules.gates.var < 1.0:
        numbers["variance"] = tape.covariance[tape.calendar["risk_row"][t], s, s]
    return numbers


def check_numbers(seed: int) -> None:
    world = random_world(seed)
    tape = spoil(tape_of(world), np.random.default_rng(seed))
    desk, _ = trade_through(world, tape)
    decisions = written(desk, "decisions")
    for decision in decisions[np.isin(decisions["verdict"], ENTERED)]:
        for name, number in numbers_behind(tape, world.rules, decision).items():
            assert not np.isnan(number), f"{name} at bar {decision['bar']}: {decision}"
    for part in (desk.book.accounts, desk.book.sleeves, positions_of(desk.book)):
        for name in set(part.dtype.names or ()) - {"portfolio_variance"}:
            assert np.isfinite(part[name]).all(), name
    for kind in ("fills", "trades"):
        for name in written(desk, kind).dtype.names or ():
            assert np.isfinite(written(desk, kind)[name]).all(), name


(
    test_what_is_not_a_number_opens_nothing_and_stays_out_of_the_book,
    test_what_is_not_a_number_opens_nothing_in_many_worlds,
) = law(check_numbers)


# Without weight nothing is opened, and what is held is closed.


@FEW
@given(seed=seeds, n_bars=st.integers(0, 40))
def test_without_weight_nothing_is_opened_and_what_is_held_is_closed(
    seed: int, n_bars: int
) -> None:
    world = random_world(seed)
    world.weights[n_bars:] = 0.0
    tape = tape_of(world)
    desk = open_desk(tape, world.rules)
    for step in steps_of(desk, world):
        if step.t < FIRST + n_bars:
            continue
        assert not (step.fills["reason"] == Exit.NONE).any()
        assert not step.decisions.size
        left = set(positions_of(desk.book)["symbol"].tolist())
        for position in step.held:
            fill = tape.bars[step.t + 1, position["symbol"]]
            prices = max(fill["open"], fill["high"], fill["close"])
            units = abs(position["units"]) * tape.actions["split"][step.t + 1, position["symbol"]]
            if fill["open"] > 0.0 and fill["room"] >= units * prices:
                assert position["symbol"] not in left
    if n_bars == 0:
        assert not written(desk, "fills").size
        assert desk.book.accounts["equity"][0] == world.rules.capital
