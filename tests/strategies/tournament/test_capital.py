"""Capital, by hand."""

import numpy as np
import pytest
from pydantic import ValidationError

from benbot.strategies.tournament.capital import capital, performance
from benbot.strategies.tournament.ladder import row_of
from benbot.strategies.tournament.settings import CapitalSettings, TournamentSettings
from benbot.strategies.tournament.stages import Stage

SETTINGS = TournamentSettings()
CALM, WILD, UNKNOWN = 4, 5, -1
EACH = np.array([Stage.RETIRED, Stage.WAITING, Stage.R1, Stage.R2, Stage.R3, Stage.LIVE])


def test_the_stage_gives_the_ends_and_performance_the_place_between_them() -> None:
    given = capital(EACH, np.full(6, 0.5), CALM, SETTINGS)
    np.testing.assert_allclose(given.paper, [0, 0, 150, 650, 1750, 0])
    np.testing.assert_allclose(given.live, [0, 0, 0, 0, 0, 3750])
    assert given.allowed.tolist() == [False] * 5 + [True]


@pytest.mark.parametrize("regime", [WILD, UNKNOWN])
def test_high_volatility_or_not_knowing_halves_it(regime: int) -> None:
    given = capital(EACH, np.full(6, np.nan), regime, SETTINGS)
    np.testing.assert_allclose(given.paper, [0, 0, 50, 250, 750, 0])
    np.testing.assert_allclose(given.live[-1], 1250)


def test_the_cap_of_a_stage_is_shared() -> None:
    given = capital(np.full(20, Stage.R2), np.ones(20), CALM, SETTINGS)
    np.testing.assert_allclose(given.paper, 400.0)


def test_performance_is_the_place_of_the_profit_factor() -> None:
    rows = np.zeros(4, row_of(SETTINGS))
    rows["gain"], rows["loss"] = [0.0, 1.0, 1.15, 0.5], [0.0, 0.0, 1.0, 1.0]
    np.testing.assert_allclose(performance(rows, CapitalSettings()), [0, 1, 0.5, 0])
    with pytest.raises(ValidationError, match=r"losing must be below winning, was 1\.5 and"):
        CapitalSettings(losing=1.5)
