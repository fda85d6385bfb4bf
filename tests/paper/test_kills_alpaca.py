"""Whoever is killed while it trades at Alpaca ends where nobody was killed; Alpaca is the judge.

The emulated Alpaca goes on while the trader is dead, with its own account and ledger.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from benbot.paper.replayed import Stretch
from tests.paper.at_alpaca import (
    assert_books_agree,
    half_hour_stretch,
    over_network,
    statuses,
    trade,
)
from tests.paper.conftest import ALPACA
from tests.paper.emulator.exchange import Exchange, exchange
from tests.paper.emulator.faults import LOSSES
from tests.paper.kills import BLOCKS, N_NIGHTLY, Line, drawn, finished, killed, trail_of
from tests.paper.replays import kept_at

pytest.importorskip("alpaca", reason=ALPACA)

N_BARS = 4
N_KILLS, N_ROUGH = 1, 1
EARLY_LINES = 400  # most of a start is going on: half of the kills of a recovery fall into them
THEIRS = ["execution_id", "venue_order_id", "hash", "previous"]  # chance, and what follows from it


@pytest.fixture(scope="module")
def stretch() -> Stretch:
    return half_hour_stretch(N_BARS)


@dataclass(frozen=True, eq=False)
class Quiet:
    """A run that nobody killed: the lines that it took, and all that is left of it."""

    trail: list[Line]
    tables: dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def quiet(stretch: Stretch, tmp_path_factory: pytest.TempPathFactory) -> Quiet:
    folder = tmp_path_factory.mktemp("quiet")
    with trading(stretch, folder) as (work, _):
        trail = trail_of(work)
        return Quiet(trail, kept_at(stretch, url_of(folder)))


@contextmanager
def trading(
    stretch: Stretch, folder: Path, partials: float = 0.0, seed: int = 0
) -> Iterator[tuple[Callable[[], None], Exchange]]:
    """Yield what trades the stretch, in any process, and the exchange, which is in this one."""
    folder.mkdir(exist_ok=True)
    market, capital = stretch.history.market, stretch.history.rules.capital
    with exchange(market, capital, partials, seed) as one:
        place = over_network(one, url_of(folder))
        yield lambda: trade(stretch, place), one


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'paper.db'}"


def test_the_run_that_is_killed_has_something_to_lose(quiet: Quiet) -> None:
    assert statuses(quiet.tables)["done"] > 8
    assert len(set(quiet.tables["intents"]["reason"])) > 1


@pytest.mark.parametrize("seed", range(N_KILLS))
def test_one_kill_changes_nothing(seed: int, stretch: Stretch, quiet: Quiet, folder: Path) -> None:
    kill_and_compare(stretch, quiet, folder, np.random.default_rng([1, seed]), 1)


def test_nor_does_another_while_it_recovers(stretch: Stretch, quiet: Quiet, folder: Path) -> None:
    kill_and_compare(stretch, quiet, folder, np.random.default_rng([2, 0]), 2)


@pytest.mark.parametrize("seed", range(N_ROUGH))
def test_where_parts_fill_and_answers_are_lost_all_books_agree(
    seed: int, stretch: Stretch, quiet: Quiet, folder: Path
) -> None:
    kill_roughly(stretch, quiet, folder, np.random.default_rng([3, seed]))


@pytest.mark.nightly
@pytest.mark.parametrize("block", range(BLOCKS))
def test_a_thousand_kills_change_nothing(
    block: int, stretch: Stretch, quiet: Quiet, folder: Path
) -> None:
    for i in range(N_NIGHTLY // BLOCKS):
        rng = np.random.default_rng([4, block, i])
        kill_and_compare(stretch, quiet, folder / str(i), rng, 1)


@pytest.mark.nightly
@pytest.mark.parametrize("block", range(BLOCKS))
def test_nor_do_five_hundred_that_are_killed_again(
    block: int, stretch: Stretch, quiet: Quiet, folder: Path
) -> None:
    for i in range(N_NIGHTLY // BLOCKS // 2):
        rng = np.random.default_rng([5, block, i])
        kill_and_compare(stretch, quiet, folder / str(i), rng, 2)


@pytest.mark.nightly
@pytest.mark.parametrize("block", range(BLOCKS))
def test_in_five_hundred_rough_runs_all_books_agree(
    block: int, stretch: Stretch, quiet: Quiet, folder: Path
) -> None:
    for i in range(N_NIGHTLY // BLOCKS // 2):
        kill_roughly(stretch, quiet, folder / str(i), np.random.default_rng([6, block, i]))


def kill_and_compare(
    stretch: Stretch, quiet: Quiet, folder: Path, rng: np.random.Generator, n_kills: int
) -> None:
    """Kill the run so many times, each time after it was started again, and let it end."""
    with trading(stretch, folder) as (work, one):
        assert killed(work, drawn(quiet.trail, rng))
        for _ in range(n_kills - 1):
            killed(work, int(rng.integers(1, rng.choice([EARLY_LINES, len(quiet.trail)]))))
        finished(work)
        tables = kept_at(stretch, url_of(folder))
        for name, table in quiet.tables.items():
            assert_frame_equal(plain(tables[name]), plain(table), obj=name)
        assert_books_agree(tables, one.broker, url_of(folder))


def kill_roughly(stretch: Stretch, quiet: Quiet, folder: Path, rng: np.random.Generator) -> None:
    """Kill a run in which orders fill in parts and answers are lost, and compare all books."""
    with trading(stretch, folder, partials=0.5, seed=int(rng.integers(1_000))) as (work, one):
        for nth in rng.integers(1, 30, 6):
            one.fail(str(rng.choice(LOSSES)), "POST", "/v2/orders", nth=int(nth), status=504)
        killed(work, drawn(quiet.trail, rng))
        killed(work, int(rng.integers(1, len(quiet.trail))))
        finished(work)
        assert_books_agree(kept_at(stretch, url_of(folder)), one.broker, url_of(folder))


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table without what the venue draws by chance, in an order that does not need it."""
    kept = table.drop(columns=[name for name in THEIRS if name in table])
    key = [name for name in ("client_order_id", "moment") if name in kept]
    return kept.sort_values(key, kind="stable").reset_index(drop=True) if key else kept
