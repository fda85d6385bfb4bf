"""One bar on a desk that is nobody's, so that the kernels of a real one are compiled before it.

Compiling takes a minute. Whoever did it with the account open would let its lease run out, and bars
of a market that goes on would pass meanwhile.
"""

import numpy as np

from benbot.envs.desk.compiled import CACHE_FOLDER
from benbot.envs.desk.tape import Tape
from benbot.envs.history import History
from benbot.paper.desk import PaperDesk
from benbot.paper.sleeves import ShadowSleeves
from benbot.strategies.tournament.alone import Alone

KERNEL = "stages.look-*.nbc"  # the last one to be compiled


def is_rehearsed() -> bool:
    """Return whether the stages of a bar were compiled before."""
    return CACHE_FOLDER.is_dir() and any(CACHE_FOLDER.rglob(KERNEL))


def rehearse(history: History) -> None:
    """Trade the last bar of a history, which stays as it is, with nobody's account."""
    rules, signals = history.rules, history.signals
    tape = Tape._make(np.array(each) for each in history.tape)
    ShadowSleeves(rules, signals.n_strategies, history.market.n_symbols).follow(tape, signals)
    t = history.n_bars - 1
    alone = Alone(rules, signals.n_strategies)
    alone.show(tape, history.features)
    alone.begin(t - 1)
    alone.trade()
    desk = PaperDesk(rules, signals.n_strategies, history.market.n_symbols)
    desk.show(tape, history.features)
    n_weights = signals.n_strategies + 1
    desk.begin(t - 1, rules.capital)
    desk.decide(t - 1, np.full(n_weights, 1.0 / n_weights, np.float32))
    desk.trade_opening(t, ())
    desk.trade_inside(t, (), is_last=False)
    desk.close(t)
    desk.observe(t, history.layout.size)
