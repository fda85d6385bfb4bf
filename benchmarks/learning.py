"""Print what each lesson changes, alone and all together: on no bar of any `test`.

    .venv/bin/python -m benchmarks.learning planted no_edge news --seeds 7 8 9 10
    .venv/bin/python -m benchmarks.learning sp500_20
    BENBOT_DATA=data .venv/bin/python -m benchmarks.learning us_stocks

Every lesson is drawn from trades that were closed before it is used, so all bars of `fit` and
`valid` are out of its sample, and they are judged as one stretch; those of several synthetic
markets are put one behind the other. No account is ended for what it lost.

growth, Sharpe   a year, after costs, of equal weight and of the regime record
less without     growth over that of the same policy without the lesson, % a year, with the 95 %
                 interval of the stationary bootstrap; + or - where it leaves out 0
Brier            mean squared error of the stated and the calibrated chance that a trade is right
error            of the expected value of a trade, the desk's own and that of the cell, squared,
                 over the variance of what trades earned; 1 is that of their mean
"""

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from benbot.agents.advised import advised
from benbot.agents.baselines import equal_weight, regime_record
from benbot.agents.evaluation import evaluate
from benbot.envs.arrays import FloatArray
from benbot.envs.history import History, Span, prepare
from benbot.experiments.config import load_config
from benbot.experiments.training.preparation import Prepared, prepare_experiment
from benbot.experiments.verdict.resampling import means_over_time
from benbot.experiments.verdict.statistics import block_length, log_returns
from benbot.strategies.learning.calibration import brier, right_before
from benbot.strategies.learning.expectation import expectations
from benbot.strategies.learning.experience import Experience, live_through
from benbot.strategies.learning.lessons import learned
from benbot.strategies.learning.settings import DEFAULT, LearningSettings

LONGER = (  # ten years of news are too few to tell anything
    "market.n_bars=10080",
    "segments.fit={start: 2001-01-01, end: 2029-12-31}",
    "segments.valid={start: 2030-01-01, end: 2036-12-31}",
    "segments.test={start: 2037-01-01, end: 2038-06-30}",
)
MARKETS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "planted": ("synthetic_planted", ()),
    "no_edge": ("synthetic_no_edge", ()),
    "news": ("synthetic_news", LONGER),
    "sp500_20": ("sp500_20", ()),
    "us_stocks": ("us_stocks_daily", ()),
}
SHARE = 0.3  # of the weights, in the ablation of the online learner
SWITCHES = ("calibration", "expected_value", "affinity", "news", "stops", "correlation")
LESSONS: Mapping[str, LearningSettings] = {
    **{name: LearningSettings.model_validate({name: True}) for name in SWITCHES},
    "online": LearningSettings(online_share=SHARE),
    "all": LearningSettings.model_validate(dict.fromkeys(SWITCHES, True) | {"online_share": SHARE}),
}
POLICIES = {"equal weight": equal_weight, "regime record": regime_record}
SEED = 0
NONE = "none"
ENDLESS = "environment.ruin=0.0"
FILE = "us_stocks_88_daily_2012_2017.parquet"
REPETITIONS, CONFIDENCE = 2000, 0.95
HEAD = "{:<11}{:<16}" + "{:>9}{:>8}{:>27}" * len(POLICIES)
LINE = "{:<11}{:<16}"
CELL = "{:>9.2%}{:>8.2f}{:>27}"
Walks = dict[str, FloatArray]  # by lesson, log growth [bars, policies]


def main() -> None:
    """Print both tables for every market that was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.learning",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("markets", nargs="+", choices=MARKETS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[], help="of synthetic markets")
    parser.add_argument("--set", nargs="+", default=[], help="other values, as benbot train has")
    parser.add_argument("--only", nargs="+", choices=LESSONS, default=list(LESSONS))
    asked, console = parser.parse_args(), Console(highlight=False, width=200)
    columns = [part for name in POLICIES for part in (name[:8], "Sharpe", "less without")]
    console.print(HEAD.format("market", "lesson", *columns), markup=False)
    for name in asked.markets:
        walks: list[Walks] = []
        for seed in asked.seeds or [None]:
            prepared = prepared_market(name, seed, asked.set)
            experience = experience_of(prepared)
            console.print(foreseen(name, experience, _stretch(prepared)), markup=False)
            walks.append(ablation(prepared, experience, asked.only))
        yearly = prepared.market.bars_per_year
        whole = {lesson: np.concatenate([each[lesson] for each in walks]) for lesson in walks[0]}
        for line in table(name, whole, yearly):
            console.print(line, markup=False)


def prepared_market(name: str, seed: int | None, overrides: Sequence[str]) -> Prepared:
    """Return the market of that name, another one of its kind where there is a seed."""
    config, own = MARKETS[name]
    folder = os.environ.get("BENBOT_DATA")
    if name == "us_stocks" and folder:
        own = (*own, f"market.path={Path(folder) / FILE}")
    if seed is not None:
        own = (*own, f"market.seed={seed}")
    return prepare_experiment(load_config(config, (*own, ENDLESS, *overrides)))


def experience_of(prepared: Prepared) -> Experience:
    """Return what the strategies said on a market, and what came of it."""
    history = prepared.history
    return live_through(history.market, history.signals, history.rules, history.regime)


def foreseen(name: str, experience: Experience, span: Span) -> str:
    """Return a line on chances and expected values of the trades decided in a span."""
    inside = (experience.decided >= span.first) & (experience.decided <= span.last)
    outcome = experience.outcome[inside]
    stated = (1.0 + experience.then(experience.signals.confidence)) / 2.0
    right = right_before(experience, DEFAULT.refit)
    before, after = (brier(each[inside], outcome > 0.0) for each in (stated, right))
    expected = expectations(experience, DEFAULT.shrinkage)
    desk, cell = (
        float(np.square(outcome - experience.then(each)[inside]).mean() / outcome.var())
        for each in expected
    )
    return (
        f"{name}: {outcome.size} trades, Brier {before:.4f} stated, {after:.4f} calibrated; "
        f"error {desk:.4f} of the desk, {cell:.4f} of the cell"
    )


def ablation(prepared: Prepared, experience: Experience, names: Sequence[str]) -> Walks:
    """Return what the policies do without any lesson, and with each of them."""
    walks = {NONE: walk(prepared, prepared.history, DEFAULT)}
    for name in names:
        settings, history = LESSONS[name], prepared.history
        if settings.changes:
            heard = learned(experience, settings)
            history = prepare(history.market, heard, history.rules, history.regime)
        walks[name] = walk(prepared, history, settings)
    return walks


def walk(prepared: Prepared, history: History, settings: LearningSettings) -> FloatArray:
    """Return the log growth of each policy on a history, with the advice of the settings."""
    span, environment = _stretch(prepared), prepared.config.environment
    made = (make(history.layout) for make in POLICIES.values())
    told = (advised(policy, settings) for policy in made)
    accounts = [evaluate(policy, history, span, environment) for policy in told]
    return np.column_stack([log_returns(account.equity) for account in accounts])


def table(name: str, walks: Walks, yearly: float) -> Iterator[str]:
    """Yield a line for each lesson; differences are of the same bars."""
    without = walks[NONE]
    for lesson, growth in walks.items():
        line = LINE.format(name if lesson == NONE else "", lesson)
        for i in range(len(POLICIES)):
            own = growth[:, i]
            returns = np.expm1(own)
            sharpe = returns.mean() / returns.std(ddof=1) * np.sqrt(yearly)
            told = "" if lesson == NONE else difference(own - without[:, i], yearly)
            line += CELL.format(own.mean() * yearly, sharpe, told)
        yield line


def difference(per_bar: FloatArray, yearly: float) -> str:
    """Return a mean of differences of log growth, % a year, with its interval and a mark."""
    if not per_bar.any():
        return "0   "
    block, rng = int(block_length(per_bar)), np.random.default_rng(SEED)
    drawn = means_over_time(per_bar[:, None], block, rng, REPETITIONS)[:, 0]
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = 100.0 * yearly * np.quantile(drawn, [tail, 1.0 - tail])
    mark = "+" if low > 0.0 else "-" if high < 0.0 else " "
    return f"{100.0 * yearly * per_bar.mean():+.2f} [{low:+.2f}, {high:+.2f}] {mark}"


def _stretch(prepared: Prepared) -> Span:
    """Return the bars from the first of `fit` to the last of `valid`."""
    return Span(prepared.spans["fit"].first, prepared.spans["valid"].last)


if __name__ == "__main__":
    main()
