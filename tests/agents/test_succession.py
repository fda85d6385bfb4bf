"""Accounts one after another are one account: growth, trades and records in proportion."""

from dataclasses import replace

import numpy as np
import pytest

from benbot.agents.baselines import cash, equal_weight
from benbot.agents.evaluation import Evaluation, evaluate
from benbot.agents.succession import joined
from benbot.envs.desk.ledger import OPTION_FILL
from benbot.envs.errors import InvalidParameter
from benbot.envs.history import History, Span
from benbot.envs.vector import EnvironmentSettings

SPANS = (Span(40, 90), Span(90, 120), Span(120, 180))


@pytest.fixture(scope="module")
def parts(history: History) -> list[Evaluation]:
    policy = equal_weight(history.layout)
    return [evaluate(policy, history, span, EnvironmentSettings()) for span in SPANS]


def test_it_grows_by_the_product_of_what_the_parts_grow(parts: list[Evaluation]) -> None:
    whole = joined(parts)
    growth = np.log(whole.equity[-1] / whole.equity[0])
    assert growth == pytest.approx(sum(np.log(one.equity[-1] / one.equity[0]) for one in parts))
    expected = np.concatenate([np.diff(np.log(one.equity)) for one in parts])
    np.testing.assert_allclose(np.diff(np.log(whole.equity)), expected, atol=1e-12)


def test_it_has_a_mark_for_every_bar_and_a_decision_for_every_mark_but_the_last(
    parts: list[Evaluation],
) -> None:
    whole = joined(parts)
    assert whole.bars.tolist() == list(range(40, 181))
    n_decisions = len(whole.bars) - 1
    assert len(whole.weights) == len(whole.turnover) == n_decisions
    for name in ("timestamps", "equity", "exposure", "regime", "breaker"):
        assert len(getattr(whole, name)) == n_decisions + 1, name


def test_its_trades_explain_it_to_the_cent(parts: list[Evaluation]) -> None:
    whole = joined(parts)
    earned = whole.trades["profit"].sum() + whole.open_trades["profit"].sum()
    assert whole.trades.size == sum(one.trades.size for one in parts) > 0
    assert earned == pytest.approx(whole.equity[-1] - whole.equity[0], abs=1e-6)


def test_options_and_notes_of_all_parts_are_kept_and_in_proportion(
    parts: list[Evaluation],
) -> None:
    fill = np.zeros(1, OPTION_FILL)
    fill["cost"], fill["contracts"] = 3.0, -2.0
    told = [replace(one, options=fill, notes=(f"note {i // 2}",)) for i, one in enumerate(parts)]
    whole = joined(told)
    scale = parts[0].equity[-1] / parts[1].equity[0]
    np.testing.assert_allclose(whole.options["cost"][:2], [3.0, 3.0 * scale])
    np.testing.assert_allclose(whole.options["contracts"][:2], [-2.0, -2.0 * scale])
    assert whole.options.size == 3
    assert whole.notes == ("note 0", "note 1")


def test_one_part_is_itself(parts: list[Evaluation]) -> None:
    assert joined(parts[:1]) is parts[0]


def test_accounts_that_do_not_meet_are_refused(history: History, parts: list[Evaluation]) -> None:
    with pytest.raises(InvalidParameter, match=r"must meet at a mark.*until bar 90.*from bar 120"):
        joined([parts[0], parts[2]])
    other = evaluate(cash(history.layout), history, SPANS[1], EnvironmentSettings())
    with pytest.raises(InvalidParameter, match="was equal_weight until bar 90 and cash from"):
        joined([parts[0], other])
