"""The command itself, as a process of its own, against the emulator on this machine."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from benbot.envs.market.calendar import load_sessions
from benbot.envs.market.datasets import SP500_20_SECTORS
from benbot.envs.market.market import Market, market_from_prices
from benbot.paper.store import reading
from tests.paper.conftest import ALPACA
from tests.paper.emulator.broker import Broker
from tests.paper.emulator.calendar import NEW_YORK, Sessions
from tests.paper.emulator.market import Exchange
from tests.paper.emulator.server import KEY, SECRET, Emulator, serving

pytest.importorskip("alpaca", reason=ALPACA)
pytestmark = pytest.mark.nightly

YEARS, PATIENCE = 4, 120.0  # of history; seconds
ACCOUNT, N_CYCLES = ("GET", "/v2/account"), 6


def now() -> datetime:
    return datetime.now(UTC)


def until_today() -> tuple[Market, Sessions]:
    """Return days until some to come, as New York has them, and its hours."""
    today = np.datetime64(now().date())
    known = load_sessions("XNYS", today - 365 * YEARS, today + 30)
    closes = known.closes.astype("datetime64[us]")
    rng = np.random.default_rng(11)
    close = 50.0 * np.exp(np.cumsum(0.01 * rng.standard_normal((closes.size, 20)), axis=0))
    facts = {"close": close, "volume": np.full(close.shape, 1e6)}
    facts |= {"open": close, "high": close * 1.01, "low": close * 0.99}
    market = market_from_prices(closes, tuple(SP500_20_SECTORS), facts)
    days = {day.item() for day in known.days}
    every = (known.days[0].item() + timedelta(days=i) for i in range(365 * YEARS + 60))
    ends = zip(known.days, known.closes.astype("datetime64[us]"), strict=True)
    hours = {
        day.item(): end.item().replace(tzinfo=UTC).astimezone(NEW_YORK).time() for day, end in ends
    }
    return market, Sessions(hours, {day for day in every if day not in days})


RUN = "from benbot.experiments.cli import main; main()"


def ended(emulator: Emulator, folder: Path) -> str:
    """Run the command for some cycles, ask it to end, and return what it said."""
    command = [sys.executable, "-c", RUN, "paper", "--venue", "alpaca", "--policy", "quickstart"]
    command += ["--folder", str(folder), "--every", "1"]
    keys = {"APCA_API_KEY_ID": KEY, "APCA_API_SECRET_KEY": SECRET}
    urls = {"ALPACA_PAPER_URL": emulator.url, "ALPACA_DATA_URL": emulator.url}
    n_cycles = emulator.requests.count(ACCOUNT) + N_CYCLES
    with subprocess.Popen(  # noqa: S603
        command,
        env=os.environ | keys | urls,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            if emulator.requests.count(ACCOUNT) >= n_cycles:
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=30)[0]
    assert process.returncode == 0, said
    return said


def test_the_command_opens_an_account_goes_on_and_ends_when_asked(tmp_path: Path) -> None:
    market, sessions = until_today()
    broker = Broker(now, sessions=sessions)
    with serving(Emulator(broker, Exchange(market, broker))) as emulator:
        said = ended(emulator, tmp_path)
        assert "policy equal_weight, at Alpaca" in said
        assert "COMPLETED" in said
        assert SECRET not in said
        with reading(f"sqlite:///{tmp_path / 'paper.db'}") as connection:
            query = "SELECT count(*) FROM equity"
            assert connection.exec_driver_sql(query).scalar_one() >= 1
        n_asked = emulator.requests.count(("GET", "/v2/assets/AAPL"))
        assert n_asked == 1
        assert "COMPLETED" in ended(emulator, tmp_path)  # it goes on with what it was told
        assert emulator.requests.count(("GET", "/v2/assets/AAPL")) == 1
