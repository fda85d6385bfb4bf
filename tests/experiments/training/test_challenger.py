"""The alias is for a policy that trades and beats cash; any other is registered by its number."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benbot.agents.evaluation import Evaluation
from benbot.envs.desk.ledger import FILL
from benbot.experiments.training.challenger import objection, policy_line
from benbot.experiments.verdict.verdict import Word

Maker = Callable[..., Evaluation]


def told(**words: Word) -> Any:  # noqa: ANN401
    """Return a verdict that says these words of baselines."""
    rulings = [SimpleNamespace(baseline=name, word=word) for name, word in words.items()]
    return SimpleNamespace(rulings=tuple(rulings))


def test_who_trades_and_beats_cash_may_challenge(make_evaluation: Maker) -> None:
    traded = make_evaluation([1.0, 1.1], fills=np.zeros(1, FILL))
    assert objection(traded, told(equal_weight=Word.DOES_NOT_BEAT, cash=Word.BEATS)) == ""
    assert policy_line("3", "") == "models:/allocator@challenger, version 3"


@pytest.mark.parametrize("word", [Word.UNDECIDED, Word.DOES_NOT_BEAT])
def test_who_does_not_surely_beat_cash_may_not(make_evaluation: Maker, word: Word) -> None:
    traded = make_evaluation([1.0, 1.1], fills=np.zeros(1, FILL))
    against = objection(traded, told(cash=word, equal_weight=Word.BEATS))
    assert against == f"against cash the verdict is {word.value}"
    assert policy_line("3", against) == f"models:/allocator/3, not @challenger: {against}"


def test_who_did_not_trade_or_was_not_compared_with_cash_may_not(make_evaluation: Maker) -> None:
    idle = make_evaluation([1.0, 1.1])
    assert objection(idle, told(cash=Word.BEATS)) == "it did not trade on test"
    traded = make_evaluation([1.0, 1.1], fills=np.zeros(1, FILL))
    against = objection(traded, told(equal_weight=Word.BEATS))
    assert against == "cash, which it would have to beat, is not among the baselines"
