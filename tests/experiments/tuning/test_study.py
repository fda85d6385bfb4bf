"""A search finds what is better, and does not depend on when it was interrupted."""

import math
import sys

import pytest

from benbot.envs.errors import BadConfig
from benbot.experiments.tuning.search_space import Choice, Range
from benbot.experiments.tuning.study import WORST, End, Study, Tried, tried_from_json

SPACE = {
    "agent.learning_rate": Range(low=1e-5, high=1e-1, log=True),
    "agent.n_epochs": Range(low=1, high=9),
    "agent.net_arch": Choice(choices=([8], [16, 8], [4])),
}
FAILS, GIVEN_UP = 7, 5  # every so many trials


def growth_of(values: dict[str, object]) -> float:
    """Return a growth that is best at a rate of 1e-3, five epochs and two layers."""
    rate, epochs = values["agent.learning_rate"], values["agent.n_epochs"]
    assert isinstance(rate, float)
    assert isinstance(epochs, int)
    layers = values["agent.net_arch"]
    return -abs(math.log10(rate) + 3) - abs(epochs - 5) / 4 - (layers != [16, 8])


def tried_by(study: Study, n: int) -> list[Tried]:
    """Make trials until there are n of them; some fail and some are given up."""
    while len(study.tried) < n:
        asked = study.next()
        growth = growth_of(asked.values)
        asked.report(growth - 0.5)
        asked.report(growth)
        if asked.number % FAILS == FAILS - 1:
            asked.end(End.FAIL, why="impossible")
        elif asked.number % GIVEN_UP == GIVEN_UP - 1:
            asked.end(End.PRUNED, growth)
        else:
            asked.end(End.COMPLETE, growth)
    return study.tried


def test_it_finds_what_is_better() -> None:
    tried = tried_by(Study(SPACE, 0, 4), 60)
    growth = [each.growth for each in tried if each.growth is not None]
    assert sum(growth[-20:]) / 20 > sum(growth[:20]) / 20 + 0.3
    study = Study(SPACE, 0, 4)
    best = max(
        (each for each in tried_by(study, 60) if each.end is End.COMPLETE),
        key=lambda each: each.growth or 0.0,
    )
    assert study.best == best


@pytest.mark.parametrize("at", [0, 1, 6, 23])
def test_an_interrupted_search_goes_on_as_if_nothing_had_happened(at: int) -> None:
    whole = tried_by(Study(SPACE, 3, 4), 30)
    other = Study(SPACE, 3, 4)
    for each in whole[:at]:
        other.add(tried_from_json(each.as_json()))
    assert tried_by(other, 30) == whole
    assert tried_by(Study(SPACE, 4, 4), 30) != whole


def test_what_is_worse_than_the_middle_is_given_up_but_neither_at_once_nor_early() -> None:
    study = Study(SPACE, 0, 8)  # two evaluations of grace
    for growth in (0.1, 0.2, 0.3, 0.4, 0.5):
        asked = study.next()
        assert not any(asked.report(growth) for _ in range(8))
        asked.end(End.COMPLETE, growth)
    worse = study.next()
    assert [worse.report(0.25) for _ in range(4)] == [False, False, True, True]
    worse.end(End.PRUNED, 0.25)
    better = study.next()
    assert not any(better.report(0.35) for _ in range(8))


def test_an_account_with_nothing_left_is_worse_than_any_other() -> None:
    study = Study(SPACE, 0, 4)
    asked = study.next()
    asked.report(-math.inf)
    tried = asked.end(End.COMPLETE, -math.inf)
    assert tried.growth == WORST
    assert tried_from_json(tried.as_json()) == tried
    assert study.best == tried


def test_without_a_trial_that_ended_there_is_no_best() -> None:
    study = Study(SPACE, 0, 4)
    study.next().end(End.FAIL, why="impossible")
    assert study.best is None


def test_without_the_library_one_message_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("benbot.experiments.tuning.study.find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "optuna", None)
    message = r"benbot tune needs the library optuna, .* pip install 'benbot\[tune\]'"
    with pytest.raises(BadConfig, match=message):
        Study(SPACE, 0, 4)
