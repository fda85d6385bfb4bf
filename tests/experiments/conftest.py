"""A market, evaluations made by hand, so that a test says only what it is about, and a training."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from benbot.agents.evaluation import HOLDING, Evaluation
from benbot.envs.desk.ledger import DECISION, FILL, TRADE
from benbot.envs.desk.rules import Costs, DeskRules, Exits
from benbot.envs.history import History, prepare
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.market.regime import RegimeSettings
from benbot.envs.market.synthetic import generate
from benbot.envs.market.synthetic_source import SyntheticSource
from benbot.envs.signals import Signals
from benbot.experiments.audit.audit import Effort, audit
from benbot.experiments.config import load_config
from benbot.experiments.tracking.tracker import Run, Tracker, open_tracker
from benbot.experiments.training import training as training_module
from benbot.experiments.training.run import resume_training, start_training
from benbot.experiments.training.training import Launch

STRATEGIES = ("trend", "reversion")
SYMBOLS = ("AAA", "BBB", "CCC")
Maker = Callable[..., Evaluation]


def _evaluation(equity: Sequence[float], **changed: Any) -> Evaluation:  # noqa: ANN401
    """Return a quiet evaluation on consecutive days, changed where the test says so."""
    marks = np.asarray(equity, dtype=np.float64)
    n = marks.size
    days = np.datetime64("2020-01-01", "ns") + np.arange(n) * np.timedelta64(1, "D")
    n_decisions = max(n - 1, 0)
    weights = np.full((n_decisions, len(STRATEGIES) + 1), 1.0 / (len(STRATEGIES) + 1))
    quiet = Evaluation(
        name="agent",
        strategies=STRATEGIES,
        symbols=SYMBOLS,
        bars_per_year=252.0,
        timestamps=days,
        bars=np.arange(n),
        equity=marks,
        weights=weights,
        exposure=np.zeros(n),
        turnover=np.zeros(n_decisions),
        regime=np.full(n, 4, np.int8),
        breaker=np.zeros(n, np.int64),
        fills=np.zeros(0, FILL),
        trades=np.zeros(0, TRADE),
        decisions=np.zeros(0, DECISION),
        open_trades=np.zeros(0, TRADE),
        holdings=np.zeros(0, HOLDING),
    )
    return replace(quiet, **changed)


@pytest.fixture(scope="module")
def quick_audit() -> Iterator[None]:
    """Look for leaks at one bar: what an audit finds is told elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        once = Effort(1, 1, 1)
        patch.setattr(training_module, "audit", lambda prepared, effort: audit(prepared, once))
        yield


@pytest.fixture(scope="session")
def market() -> Market:
    """350 bars of 6 symbols with a range, volume and spreads, and without gaps."""
    source = SyntheticSource(seed=3, n_bars=350, n_symbols=6, n_sectors=2)
    return generate(source).market


@pytest.fixture
def make_evaluation() -> Maker:
    """Return the maker: equity first, then any field of `Evaluation` by name."""
    return _evaluation


def _walk(seed: int, n_bars: int = 600, drift: float = 3e-4, **changed: Any) -> Evaluation:  # noqa: ANN401
    """Return a random walk with weights, regimes, breakers, trades and decisions."""
    rng = np.random.default_rng(seed)
    equity = 1e5 * np.exp(np.concatenate([[0.0], np.cumsum(rng.normal(drift, 0.008, n_bars))]))
    trades = np.zeros(40, TRADE)
    trades["strategy"] = rng.integers(0, len(STRATEGIES), 40)
    trades["reason"] = rng.integers(1, 8, 40)
    trades["opened"] = rng.integers(0, n_bars - 20, 40)
    trades["closed"] = trades["opened"] + rng.integers(1, 20, 40)
    trades["profit"] = rng.normal(20.0, 200.0, 40)
    decisions = np.zeros(90, DECISION)
    decisions["bar"] = np.sort(rng.integers(0, n_bars, 90))
    decisions["strategy"] = rng.integers(0, len(STRATEGIES), 90)
    decisions["wanted"] = rng.uniform(-0.1, 0.1, 90)
    decisions["verdict"] = rng.choice([0, 1, 3, 5, 11], 90)
    decisions["allowed"] = np.where(decisions["verdict"] == 0, decisions["wanted"], 0.0)
    breaker = np.zeros(n_bars + 1, np.int64)
    breaker[200:220] = 2
    facts: dict[str, Any] = {
        "weights": rng.dirichlet(np.ones(len(STRATEGIES) + 1), n_bars),
        "regime": np.array([-1, 0, 4, 8, 6], np.int8)[np.arange(n_bars + 1) * 5 // (n_bars + 1)],
        "breaker": breaker,
        "trades": trades,
        "decisions": decisions,
        "turnover": rng.uniform(0.0, 0.1, n_bars),
        "exposure": rng.uniform(0.0, 1.0, n_bars + 1),
    }
    marks = changed.pop("equity", equity)
    return _evaluation(marks, **{**facts, **changed})


@pytest.fixture
def walk() -> Maker:
    """Return the maker of realistic evaluations: seed first, then fields by name."""
    return _walk


EVENTFUL = DeskRules(
    costs=Costs(borrow_rate=0.2, commission_minimum=1.0),
    exits=Exits(partial=0.5, target=2.0, delisted_after=3),
)


@pytest.fixture(scope="session")
def eventful() -> History:
    """Return 300 bars with splits, dividends, a delisting, shorts, partial exits and fees."""
    rng = np.random.default_rng(0)
    shape = (300, 6)
    close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, shape), axis=0))
    close[200:, 2] = np.nan
    there = np.isfinite(close)
    opened = close * np.exp(rng.normal(0.0, 0.005, shape))
    prices = {
        "open": opened,
        "high": np.fmax(opened, close) * 1.005,
        "low": np.fmin(opened, close) * 0.995,
        "close": close,
        "split": np.where(there & (rng.random(shape) < 0.02), 2.0, 1.0),
        "dividend": np.where(there & (rng.random(shape) < 0.05), 0.3, 0.0),
    }
    stamps = np.datetime64("2020-01-01T21", "h") + 24 * np.arange(300)
    market = market_from_prices(stamps, tuple("ABCDEF"), prices)
    opinion = np.repeat(rng.choice([-1, 0, 1], (30, 3, 6)), 10, axis=0)
    signals = Signals(
        ("k0", "k1", "k2"),
        (0,) * 3,
        opinion,
        rng.uniform(0.1, 1.0, opinion.shape),
        np.full(opinion.shape, 0.05),
    )
    return prepare(
        market,
        signals,
        EVENTFUL,
        RegimeSettings(trend_window=10, volatility_window=5, volatility_history=20),
    )


TINY = """
name: tiny
market: {source: synthetic, seed: 3, n_bars: 1500, n_symbols: 6, n_sectors: 2}
strategies: [rsi_reversion, {name: ma_crossover, fast: 4}, bollinger_reversion]
segments:
  fit: {start: 2001-01-02, end: 2003-06-30}
  valid: {start: 2003-07-01, end: 2004-06-30}
  test: {start: 2004-07-01, end: 2005-08-31}
  embargo_bars: 5
environment: {episode_bars: 60}
agent: {total_steps: 2048, n_envs: 8, n_steps: 32, batch_size: 256}
seeds: [0, 1]
baselines:
  [cash, equal_weight, inverse_volatility, best_single, regime_record, random, buy_and_hold]
tracking: {experiment: tiny}
"""


@dataclass(frozen=True)
class Workshop:
    """A folder with a tiny configuration, a store and runs."""

    folder: Path
    config: Path

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    @property
    def store(self) -> str:
        return f"sqlite:///{self.folder / 'mlflow.db'}"

    @property
    def tracker(self) -> Tracker:
        return open_tracker(load_config(self.config).tracking)

    def train(self, *overrides: str, sealed: bool = False) -> str:
        """Train from the beginning and return what was said."""
        said = io.StringIO()
        start_training(load_config(self.config, overrides), self._launch(said, sealed=sealed))
        return said.getvalue()

    def resume(self, run_id: str, *overrides: str, opening: bool = False) -> str:
        """Go on with a run, naming the configuration if it has overrides."""
        said = io.StringIO()
        config = load_config(self.config, overrides) if overrides else None
        resume_training(run_id, config, None, self._launch(said, opening=opening))
        return said.getvalue()

    def children(self, run_id: str) -> dict[str, Run]:
        """Return the children of a run by name; two of one name are a mistake."""
        tracker = self.tracker
        found = tracker.children(tracker.find_run(run_id))
        assert len({run.name for run in found}) == len(found)
        return {run.name: run for run in found}

    def _launch(self, said: io.StringIO, **how: bool) -> Launch:
        return Launch(self.runs, "benbot train tiny.yaml", Console(file=said, width=100), **how)


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    folder = tmp_path_factory.mktemp("workshop")
    config = folder / "tiny.yaml"
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    config.write_text(TINY.replace("{experiment:", f"{{uri: '{uri}', experiment:"))
    return Workshop(folder, config)


@dataclass(frozen=True)
class Trained:
    """The one training that most tests look at, and what it said."""

    id: str
    said: str


@pytest.fixture(scope="session")
def trained(workshop: Workshop) -> Trained:
    said = workshop.train()
    return Trained(said.partition("Run       ")[2].split()[0], said)
