"""Budget, members, service, standing and watch, by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import t as student

from benbot.envs.errors import RunMismatch
from benbot.envs.history import Span
from benbot.envs.market.regime import UNKNOWN
from benbot.evolution.orchestration.asking import family_of
from benbot.evolution.orchestration.budget import Budget
from benbot.evolution.orchestration.members import Member, Origin, Population, digest_of
from benbot.evolution.orchestration.service import certainty_of, services
from benbot.evolution.orchestration.settings import OrchestratorSettings
from benbot.evolution.orchestration.standing import Standing
from benbot.evolution.orchestration.watching import Watch
from benbot.evolution.settings import ProgramSettings
from benbot.strategies.catalogue import StrategyChoice
from benbot.strategies.tournament.sessions import known_ends, session_ends
from benbot.strategies.tournament.tournament import Tournament
from tests.evolution.orchestration.fakes import (
    FIRST,
    SEARCH,
    TOURNAMENT,
    FakeFollow,
    by_chance,
    market_of,
    member,
)

PLAIN = '{"version": 1, "signal": "return_1"}'


def test_what_was_spent_counts_for_252_sessions() -> None:
    budget = Budget(100)
    budget.spend(10, 60)
    assert [budget.left(session) for session in (10, 11, 261, 262)] == [40, 40, 40, 100]
    budget.spend(200, 30)
    assert [budget.left(session) for session in (200, 261, 262, 452)] == [10, 10, 70, 100]
    assert budget.total == 90


def test_a_strategy_is_known_by_its_rule_and_all_of_its_parameters() -> None:
    plain = StrategyChoice(name="ma_crossover", label="a")
    said = StrategyChoice(name="ma_crossover", label="b", parameters={"slow": 20, "trend_above": 0})
    other = StrategyChoice(name="ma_crossover", parameters={"slow": 21})
    assert digest_of(plain) == digest_of(said) != digest_of(other)


def test_a_founder_has_the_digest_of_the_parent_that_it_is() -> None:
    """Or each litter would bring its parents again, under another name."""
    parent = member(5)
    species, (genome,) = family_of([parent], SEARCH, market_of())
    assert digest_of(species.choice(genome, "bred")) == parent.digest


def test_members_come_back_from_json_in_their_order() -> None:
    members = [member(5), member(7), member(9, Origin.BRED, 90)]
    written = json.loads(json.dumps([each.plain() for each in members]))
    population = Population([Member.of_plain(each) for each in written])
    assert list(population) == members
    assert population.names == ["ma_5", "ma_7", "ma_9"]
    assert [[each.name for each in one] for one in population.litters()] == [
        ["ma_5", "ma_7"],
        ["ma_9"],
    ]


def test_two_litters_of_one_bar_stay_two() -> None:
    population = Population()
    for litter in ([member(5), member(7)], [member(9, Origin.BRED)]):
        population.join(litter)
    again = Population(list(population), list(population.sizes))
    assert [len(one) for one in again.litters()] == [2, 1]
    assert [len(one) for one in Population(list(population)).litters()] == [3]


def test_certainty_is_the_mean_over_its_error() -> None:
    returns = np.full((22, 4), np.nan)
    returns[:, 0] = [0.01, 0.03] * 11
    returns[1:, 1] = [0.01, *[-0.01, 0.01] * 10]
    returns[3:, 2] = [0.02, *[0.01, 0.03] * 9]  # 19 sessions are too few
    returns[:, 3] = 0.02  # nothing varies
    found = certainty_of(returns)
    deviation = np.std(returns[:, 0], ddof=1)
    assert found[0] == pytest.approx(0.02 / deviation * np.sqrt(22.0))
    assert found[1] == pytest.approx(0.01 / np.std(returns[1:, 1], ddof=1) / np.sqrt(21.0))
    assert found[2:].tolist() == [-np.inf, -np.inf]


def test_a_regime_is_poorly_served_where_the_best_earns_no_more_surely_than_luck() -> None:
    rng = np.random.default_rng(0)
    returns = 0.01 * rng.standard_normal((60, 3))
    regime = np.repeat([0, 4, UNKNOWN, 8], [20, 25, 10, 5])
    returns[regime == 4] += [-0.02, 0.02, -0.02]
    found = services(returns, regime, np.ones(3, np.bool_), least=6, level=0.05)
    assert set(found) == {0, 4}  # five sessions of the last, and nobody asks of the unknown
    assert (found[4].best, found[4].n_sessions, found[4].is_poor) == (1, 25, False)
    # Three that are judged, each passed with a chance of 1 - 0.95^(1/3), 1.695 %.
    assert found[4].luck == pytest.approx(student.isf(0.016952, 24), rel=1e-4)
    assert found[0].is_poor
    without = services(returns, regime, np.array([True, False, True]), least=6, level=0.05)
    assert without[4].is_poor
    assert without[4].luck == pytest.approx(student.isf(0.025321, 24), rel=1e-4)


def test_luck_serves_a_regime_as_seldom_as_the_level_says() -> None:
    rng, level, n_worlds = np.random.default_rng(2), 0.1, 1000
    regime, everybody = np.zeros(40, np.int64), np.ones(8, np.bool_)
    draws = (0.01 * rng.standard_t(4, (40, 8)) for _ in range(n_worlds))
    lucky = sum(not services(one, regime, everybody, 40, level)[0].is_poor for one in draws)
    assert 0.05 < lucky / n_worlds < level + 3.0 * np.sqrt(level * (1.0 - level) / n_worlds)


def test_where_nobody_takes_part_nobody_serves() -> None:
    (found,) = services(np.zeros((9, 2)), np.full(9, 3), np.zeros(2, np.bool_), 5, 0.05).values()
    assert found.is_poor
    assert found.reasons == {
        "regime": "neutral, low volatility",
        "sessions": 9,
        "best": "nobody",
        "luck": 0.0,
    }
    assert services(np.zeros((0, 0)), np.zeros(0, np.int64), np.zeros(0, np.bool_), 5, 0.05) == {}


def test_something_is_due_if_it_was_never_done_or_long_ago() -> None:
    standing = Standing(Tournament(TOURNAMENT), Budget(0), FIRST)
    assert standing.is_due("breed", 5)
    standing.note("breed")
    due = []
    for done in (0, 4, 5):
        standing.done = done
        due.append(standing.is_due("breed", 5))
    assert due == [False, False, True]
    assert standing.is_due("decay", 5)


def test_a_standing_comes_back_from_json_exactly() -> None:
    tournament = Tournament(TOURNAMENT)
    for one in (member(5), member(7)):
        tournament.register(one.name, one.digest)
    tournament.advance(
        90, np.array([0.1 + 0.2, -0.01]), np.ones(2, int), np.zeros(2), np.zeros(2, int)
    )
    standing = Standing(
        tournament, Budget(9, [(3, 4)]), 90, Population([member(5), member(7)]), 5, 1, {"breed": 3}
    )
    identity = {"config": "a", "data": "b"}
    written = json.loads(json.dumps(standing.plain(identity)))
    again = Standing.of_plain(written, identity, TOURNAMENT, 9)
    assert again.plain(identity) == standing.plain(identity)
    assert again.tournament.ladder.rows.tobytes() == tournament.ladder.rows.tobytes()
    with pytest.raises(RunMismatch, match="go on with the data that it began with, b, was c"):
        Standing.of_plain(written, {"data": "c"}, TOURNAMENT, 9)


SESSIONS = np.array([0, 0, 1, 1, 1, 2, 3])


@pytest.mark.parametrize(
    ("span", "ends"),
    [((0, 6), [1, 4, 5, 6]), ((1, 6), [4, 5, 6]), ((2, 3), [3]), ((4, 5), [5])],
)
def test_sessions_end_with_their_last_bar_behind_the_first(
    span: tuple[int, int], ends: list[int]
) -> None:
    assert session_ends(SESSIONS, Span(*span)).tolist() == ends


def test_the_end_of_a_session_of_several_bars_is_known_at_the_first_bar_of_the_next() -> None:
    ends = np.array([1, 4, 5, 6])
    assert known_ends(ends, SESSIONS).tolist() == [2, 5, 6, 7]
    assert known_ends(ends, np.arange(7)).tolist() == ends.tolist()


def test_a_watch_has_a_column_for_each_member_since_it_came(tmp_path: Path) -> None:
    market = market_of(n_bars=16, bars_a_session=4)
    span = Span(2, 15)
    follow = FakeFollow(market, span)
    watch = Watch(market.session, span, follow)
    assert watch.ends.tolist() == [3, 7, 11, 15]
    watch.join([member(3), member(5)], 2)
    watch.join([member(7)], 7)  # at the end of a session
    watch.join([member(9)], 9)  # in the middle of one
    drawn = np.column_stack([by_chance(member(fast), 4) for fast in (3, 5, 7, 9)])
    drawn[:2, 2:] = np.nan
    np.testing.assert_array_equal([watch.returns(i) for i in range(4)], drawn)
    np.testing.assert_array_equal(watch.recent(3, 2), drawn[1:3])
    np.testing.assert_array_equal(watch.recent(1, 9), drawn[:1])
    np.testing.assert_array_equal(watch.of(2, -1, 4), drawn[2:, 2])
    np.testing.assert_array_equal(watch.of(2, int(watch.ends[2]), 6), drawn[3:6, 2])
    assert watch.counts(1)[0].tolist() == [1, 1, 0, 0]
    assert watch.counts(2)[0].tolist() == [1, 1, 1, 1]
    assert watch.n_members == 4


def test_who_is_followed_has_the_sessions_of_the_run() -> None:
    market = market_of(n_bars=16, bars_a_session=4)
    watch = Watch(market.session, Span(2, 15), FakeFollow(market, Span(2, 14)))
    with pytest.raises(AssertionError, match="must have the sessions of the run"):
        watch.join([member(3)], 2)


def program(text: str) -> Member:
    choice = StrategyChoice(name="program", label="found", parameters={"program": text})
    return Member(choice, Origin.DISCOVERED, FIRST)


def test_a_parent_that_looks_at_what_the_language_does_not_have_has_no_children() -> None:
    alike = SEARCH.model_copy(update={"programs": ProgramSettings(features=("return_5",))})
    assert family_of([program(PLAIN)], alike, market_of())[1] == []
    assert len(family_of([program(PLAIN)], SEARCH, market_of())[1]) == 1


def test_searches_that_nobody_can_pay_for_are_refused() -> None:
    with pytest.raises(ValidationError, match="must pay for one search of 720"):
        OrchestratorSettings(evaluations=719)
    assert OrchestratorSettings(evaluations=0).price == 720
