"""Features and programs by number, for tests of the machine and of the language."""

import numpy as np

from benbot.strategies.programs.features import Features
from benbot.strategies.programs.generation import Dice, random_program
from benbot.strategies.programs.language import Language
from benbot.strategies.programs.notation import from_json
from benbot.strategies.programs.program import Program

NAMES = ("noise", "steps", "walk", "signs", "still", "unknown")
WINDOWS = (1, 2, 3, 5, 10, 20, 40)


def awkward_features(seed: int, n_bars: int = 180, n_symbols: int = 5) -> Features:
    """Return features with ties, stretches that stand still, gaps, late starts and an outlier."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((len(NAMES), n_symbols, n_bars))
    x[1] = np.round(x[1])
    x[2] = 0.1 * x[2].cumsum(axis=1)
    x[3] = np.sign(x[3])
    x[4, :, n_bars // 3 : n_bars // 2] = 0.25
    x[5, -1, rng.random(n_bars) < 0.03] = np.nan
    x[0, 2, 5] = 1e6
    trades = np.ones((n_symbols, n_bars))
    trades[0, : n_bars // 4] = np.nan
    trades[1, rng.random(n_bars) < 0.02] = np.nan
    trades[2, n_bars // 2 :] = np.nan
    return features_of(x * trades, trades)


def whole_features(seed: int, n_bars: int = 200, n_symbols: int = 4) -> Features:
    """Return features that are known at every bar."""
    x = np.random.default_rng(seed).standard_normal((4, n_symbols, n_bars))
    x[3] = np.round(x[3])
    return features_of(x, np.ones((n_symbols, n_bars)))


def features_of(values: np.ndarray, trades: np.ndarray) -> Features:
    """Return [F, S, T] as features that look back at nothing."""
    names = NAMES[: len(values)]
    return Features(names, values, np.zeros(len(names)), trades)


def one_symbol(**series: list[float]) -> Features:
    """Return features of one symbol by name."""
    values = np.array(list(series.values()))[:, None, :]
    return Features(tuple(series), values, np.zeros(len(series)), np.ones(values.shape[1:]))


def programs_over(features: Features, seed: int, n: int, form: str = "signal") -> list[Program]:
    """Return random programs of one to six levels."""
    language = Language(features=features.names, windows=WINDOWS, form=form)
    dice = Dice(np.random.default_rng(seed))
    return [random_program(dice, language, 1, 6) for _ in range(n)]


def written(tree: str, *names: str) -> Program:
    """Return the program of a signal as JSON writes it, over features of these names."""
    return from_json(f'{{"version": 1, "signal": {tree}}}', names)
