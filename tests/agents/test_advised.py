"""Advice has a bounded say in the weights, knows nothing of the future, and leaves cash alone."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from benbot.agents.advised import ADVISED_BASELINES, Advised, advised
from benbot.agents.baselines import Fixed, cash, equal_weight
from benbot.agents.evaluation import evaluate
from benbot.agents.past import ask, past_of
from benbot.agents.roster import BASELINES, ON_REQUEST, evaluate_baseline
from benbot.agents.sleeve_learners import SLEEVE_LEARNERS, OverSleeves
from benbot.envs.arrays import Float32Array
from benbot.envs.errors import InvalidWeights
from benbot.envs.history import History, Span
from benbot.envs.vector import EnvironmentSettings
from benbot.strategies.learning.correlation import Uniqueness
from benbot.strategies.learning.settings import DEFAULT, LearningSettings
from tests.agents.told import told_weights

SPAN = Span(80, 120)
CHOSEN = np.array([0.5, 0.2, 0.1, 0.2], np.float32)
UNCROWDED = LearningSettings(correlation=True, refit=7)
BLENDED = LearningSettings(online_share=0.25)


@pytest.fixture
def history(history: History) -> History:
    """Two strategies that make one bet, and one that does not, with returns of their own."""
    rng = np.random.default_rng(0)
    growth = rng.normal(0.0, 0.01, history.tape.sleeve_return.shape)
    growth[:, 1] = growth[:, 0] + 0.1 * growth[:, 1]
    return replace(history, tape=history.tape._replace(sleeve_return=growth))


def all_weights(history: History, settings: LearningSettings) -> np.ndarray:
    return told_weights(advised(Fixed("fixed", CHOSEN), settings), history, SPAN)


def test_who_asks_for_no_advice_has_none(history: History) -> None:
    policy = equal_weight(history.layout)
    assert advised(policy, DEFAULT) is policy
    assert advised(policy, LearningSettings(affinity=True)) is policy


def test_a_learner_has_its_share_and_cash_is_left_alone(history: History) -> None:
    found = all_weights(history, BLENDED)
    learner = OverSleeves("hedge", SLEEVE_LEARNERS["hedge"])
    told = told_weights(learner, history, SPAN)[:, :-1]
    np.testing.assert_allclose(found[:, -1], 0.2)
    np.testing.assert_allclose(found[:, :-1], 0.75 * CHOSEN[:-1] + 0.25 * 0.8 * told, rtol=1e-5)


def test_weights_follow_how_crowded_a_bet_is(history: History) -> None:
    found = all_weights(history, UNCROWDED)
    growth, session = history.tape.sleeve_return, history.tape.session
    alone = np.array(
        [
            Uniqueness(UNCROWDED.refit).at_close(growth[: t + 1], session[: t + 1])
            for t in range(SPAN.first, SPAN.last)
        ]
    )
    wanted = CHOSEN[:-1] * alone
    np.testing.assert_allclose(found[:, -1], 0.2)
    np.testing.assert_allclose(
        found[:, :-1], 0.8 * wanted / wanted.sum(axis=1, keepdims=True), rtol=1e-5
    )
    assert (found[:, 0] / found[:, 2] < 0.6 * 5.0).all()  # of five to one


@pytest.mark.parametrize("settings", [UNCROWDED, BLENDED])
def test_what_a_sleeve_returns_later_changes_no_advice_before(
    history: History, settings: LearningSettings
) -> None:
    t = 100
    returns = history.tape.sleeve_return.copy()
    returns[t + 1 :] = np.random.default_rng(3).normal(0.0, 0.1, returns[t + 1 :].shape)
    other = replace(history, tape=history.tape._replace(sleeve_return=returns))
    first, second = all_weights(history, settings), all_weights(other, settings)
    known = t - SPAN.first + 1
    np.testing.assert_array_equal(first[:known], second[:known])
    assert not np.array_equal(first[known:], second[known:])


def test_a_policy_that_is_reset_does_the_same_again(history: History) -> None:
    both = LearningSettings(correlation=True, online_share=0.5, refit=7)
    policy = Advised(Fixed("fixed", CHOSEN), both)
    first = told_weights(policy, history, SPAN)
    np.testing.assert_array_equal(first, told_weights(policy, history, SPAN))


def test_all_cash_stays_all_cash_and_no_number_stays_none(history: History) -> None:
    held = told_weights(advised(cash(history.layout), BLENDED), history, SPAN)
    np.testing.assert_array_equal(held, np.tile([0.0, 0.0, 0.0, 1.0], (len(held), 1)))
    broken = Fixed("broken", np.full(4, np.nan, np.float32))
    assert not np.isfinite(told_weights(advised(broken, BLENDED), history, SPAN)).any()


@dataclass
class Talker:
    name: str = "talker"
    notes: tuple[str, ...] = ("it rains",)

    def reset(self) -> None:
        """Nothing to forget."""

    def weights(self, observation: Float32Array) -> Float32Array:
        return CHOSEN


def test_a_policy_keeps_its_name_and_what_it_has_to_say(history: History) -> None:
    account = evaluate(advised(Talker(), UNCROWDED), history, SPAN, EnvironmentSettings())
    assert account.name == "talker"
    assert account.notes == ("it rains",)


@pytest.mark.parametrize("name", ADVISED_BASELINES)
def test_an_advised_baseline_trades_when_it_is_asked_for(history: History, name: str) -> None:
    assert name in ON_REQUEST
    assert name not in BASELINES
    traded = evaluate_baseline(name, history, SPAN, Span(30, 55), EnvironmentSettings())
    assert traded.name == name
    own = name.rpartition("_")[0]
    plain = evaluate_baseline(own, history, SPAN, Span(30, 55), EnvironmentSettings())
    assert not np.array_equal(traded.weights, plain.weights)


def test_every_learner_that_may_advise_is_there() -> None:
    for name in SLEEVE_LEARNERS:
        assert LearningSettings.model_validate({"online_learner": name}).online_learner == name


@dataclass
class Failing:
    """A policy that raises at one decision."""

    at: int
    name: str = "failing"
    asked: list[int] = field(default_factory=list)

    def reset(self) -> None:
        self.asked.clear()

    def weights(self, observation: Float32Array) -> Float32Array:
        self.asked.append(len(self.asked))
        if self.asked[-1] == self.at:
            raise InvalidWeights("not today")
        return CHOSEN


def test_advice_goes_on_while_the_policy_fails(history: History) -> None:
    settings = LearningSettings(correlation=True, online_share=0.5, refit=7)
    tape, features = history.tape, history.features
    whole = told_weights(Advised(Fixed("fixed", CHOSEN), settings), history, SPAN)
    policy, after = Advised(Failing(9), settings), []
    for t in range(SPAN.first, SPAN.last):
        try:
            after.append(ask(policy, past_of(tape, features, t), features.rows[t]))
        except InvalidWeights:
            assert t == SPAN.first + 9
    np.testing.assert_array_equal(after, np.delete(whole, 9, axis=0))


def test_who_was_told_nothing_advises_nobody(history: History) -> None:
    policy = Advised(Fixed("fixed", CHOSEN), BLENDED)
    with pytest.raises(InvalidWeights, match=r"weights of fixed need to know what the sleeves"):
        policy.weights(history.features.rows[0])
