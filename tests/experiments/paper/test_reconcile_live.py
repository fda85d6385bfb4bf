"""What was adopted in a market that goes on is no profit of a close that was before it."""

import io
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from benbot.experiments.paper.reconcile_view import Asked, show_reconciliation
from benbot.paper.live import Timing, Undertaking
from benbot.paper.overview.results import results
from benbot.paper.replayed import VENUE
from benbot.paper.store import reading
from tests.paper.live_accounts import Hands, account_in, run_cycles

TAKEN, N_CYCLES = 10_000.0, 18
BAR, SLOWLY = 20.0, 6.0  # seconds: cycles do not fall on closes


def known(one: Undertaking) -> Undertaking:
    """Return the undertaking with an identity that says what it is."""
    choices = [{"name": name} for name in ("rsi_reversion", "ma_crossover", "bollinger_reversion")]
    identity: dict[str, object] = {"symbols": one.history.symbols, "strategies": choices}
    identity["rules"] = one.rules.model_dump(mode="json")
    return replace(one, identity=identity, timing=Timing(BAR, SLOWLY))


def profit(url: str) -> float:
    with reading(url) as connection:
        return results(connection, "simulated").profit


def test_money_that_went_is_told_with_the_next_close_and_not_as_a_loss(tmp_path: Path) -> None:
    one = known(account_in(tmp_path))
    hands = Hands()
    run_cycles(one, hands, N_CYCLES)
    before = profit(one.url)
    with closing(sqlite3.connect(tmp_path / VENUE)) as venue, venue:
        venue.execute("UPDATE account SET cash = cash - ?", (TAKEN,))
    asked = Asked(one.url, one.account, "simulated", tmp_path)
    assert show_reconciliation(asked, Console(file=io.StringIO()), applies=True)
    assert profit(one.url) == pytest.approx(before)  # it waits for the next close
    run_cycles(one, hands, 8)
    with reading(one.url) as connection:
        told = results(connection, one.account)
    assert told.flow[told.flow != 0.0].tolist() == pytest.approx([-TAKEN])
    steps = abs(told.equity[1:] / (told.equity[:-1] + told.flow[1:]) - 1.0)
    assert steps.max() < TAKEN / one.rules.capital / 2.0  # no step has the money in it
