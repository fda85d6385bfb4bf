"""Whoever is killed goes on the same where the account is kept by a PostgreSQL.

A server has no lock that a dead process lets go of, so who comes next waits until the lease ends.
"""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from pandas.testing import assert_frame_equal
from sqlalchemy import create_engine, make_url, text

from benbot.envs.errors import RecordsHeld
from benbot.paper.replayed import Stretch, replay
from benbot.paper.store import open_store
from tests.paper.kills import drawn, finished, killed, trail_of
from tests.paper.replays import elsewhere, everything, venue_of
from tests.paper.test_kills import Quiet, short_stretch

N_NIGHTLY = 100


def new_database(server: str, name: str) -> str:
    """Make an empty database and return its URL."""
    url = make_url(server).set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return url.set(database=name).render_as_string(hide_password=False)


def let_lease_run_out(url: str) -> None:
    """Let so much time pass that nobody holds the lease any more."""
    engine = create_engine(url)
    with engine.begin() as connection:
        if connection.execute(text("SELECT to_regclass('leases')")).scalar() is not None:
            connection.execute(text("UPDATE leases SET expires = 0"))
    engine.dispose()


def kill_and_compare(
    server: str, folder: Path, rng: np.random.Generator, name: str, quiet: Quiet
) -> None:
    """Kill a run twice at most, and let it end where the quiet one did."""
    url = new_database(server, name)
    stretch = elsewhere(short_stretch(), url)

    def work() -> None:
        replay(stretch, folder)

    assert killed(work, drawn(quiet.trail, rng))
    for _ in range(int(rng.integers(2))):
        let_lease_run_out(url)
        killed(work, int(rng.integers(1, len(quiet.trail))))
    let_lease_run_out(url)
    finished(work)
    own = everything(stretch, folder)
    for table, rows in quiet.tables.items():
        assert_frame_equal(own[table], rows, obj=table)
    assert venue_of(folder) == quiet.venue


@pytest.fixture(scope="module")
def quiet(server: str, tmp_path_factory: pytest.TempPathFactory) -> Quiet:
    folder = tmp_path_factory.mktemp("quiet")
    stretch = elsewhere(short_stretch(), new_database(server, "quiet"))
    trail = trail_of(lambda: replay(stretch, folder))
    return Quiet(trail, everything(stretch, folder), venue_of(folder))


@pytest.mark.nightly
def test_a_hundred_kills_change_nothing_on_a_server(
    server: str, quiet: Quiet, folder: Path
) -> None:
    for i in range(N_NIGHTLY):
        rng = np.random.default_rng([7, i])
        kill_and_compare(server, folder / str(i), rng, f"kill_{i}", quiet)


@pytest.mark.nightly
def test_whoever_comes_after_a_kill_waits_for_the_lease(
    server: str, quiet: Quiet, folder: Path
) -> None:
    stretch: Stretch = elsewhere(short_stretch(), new_database(server, "held"))

    def work() -> None:
        replay(stretch, folder)

    assert killed(work, len(quiet.trail) // 2)
    with pytest.raises(RecordsHeld, match="its lease runs until"):
        open_store(stretch.url(folder), stretch.account, lambda: datetime.now(UTC))
    let_lease_run_out(stretch.url(folder))
    finished(work)
    assert_frame_equal(everything(stretch, folder)["fills"], quiet.tables["fills"])
