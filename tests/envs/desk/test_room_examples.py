"""Every room, by numbers that can be checked by hand.

The trial account has 100,000 and wants 8,000 behind a stop of 1/8: 80 units at 100.
"""

import numpy as np
import pytest

from benbot.envs.covariance.rows import bounds
from tests.envs.desk.answers import INF, NAN, QUANTILE, SIGMA, Rules, Trial, answers

SWING = 3_000.0 / QUANTILE / 8_000.0  # of one position, and 3 % of 100,000 are at risk
SAFE = 3_000.0 / (QUANTILE * SIGMA)  # 29,181: a worth whose value at risk is 3 % of 100,000


@pytest.mark.parametrize("sides", [(1, 1, 1), (1, -1, -1), (-1, -1, 1)])
def test_longs_and_shorts_together_keep_to_the_gross_limit(
    trial: Trial, rules: Rules, sides: tuple[int, int, int]
) -> None:
    account = trial(3, n_symbols=3, rules=rules(limits={"gross": 0.12}))
    for s, side in enumerate(sides):
        account.want(0, side * (0.03 - 0.01 * s), s=s)
    account.run()
    # 8,000 of 12,000, then the 4,000 that are left, then nothing.
    assert np.abs(account.positions["units"]).tolist() == pytest.approx([80.0, 40.0])
    assert answers(account) == [("PASSED", "PASSED"), ("CLIPPED", "GROSS"), ("GROSS", "GROSS")]


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_longs_less_shorts_keep_to_the_net_limit_on_either_side(
    trial: Trial, rules: Rules, side: float
) -> None:
    account = trial(3, n_symbols=4, rules=rules(limits={"net": 0.12}))
    account.want(0, 0.04 * side, s=0)
    account.want(0, 0.03 * side, s=1)
    account.want(0, 0.02 * side, s=2)
    account.want(0, -0.01 * side, s=3)  # the other side has room for 24,000
    account.run()
    assert (side * account.positions["units"]).tolist() == pytest.approx([80.0, 40.0, -80.0])
    assert answers(account) == [
        ("PASSED", "PASSED"),
        ("CLIPPED", "NET"),
        ("NET", "NET"),
        ("PASSED", "PASSED"),
    ]


def test_a_known_sector_has_a_limit_and_the_unknown_one_has_none(
    trial: Trial, rules: Rules
) -> None:
    account = trial(3, n_symbols=6, rules=rules(limits={"sector": 0.12}))
    account.facts["sector"][:] = (7, 7, 7, 2, -1, -1)
    for s, side in enumerate((1, -1, 1, 1, 1, 1)):
        account.want(0, side * (0.06 - 0.01 * s), s=s)
    account.run()
    assert np.abs(account.positions["units"]).tolist() == pytest.approx([80, 40, 80, 80, 80])
    assert answers(account)[:4] == [
        ("PASSED", "PASSED"),
        ("CLIPPED", "SECTOR"),  # a short adds to its sector, too
        ("SECTOR", "SECTOR"),
        ("PASSED", "PASSED"),
    ]


def test_what_one_strategy_owns_has_a_limit(trial: Trial, rules: Rules) -> None:
    account = trial(3, n_symbols=4, n_strategies=2, rules=rules(limits={"strategy": 0.12}))
    account.want(0, 0.04, k=0, s=0)
    account.want(0, -0.03, k=0, s=1)
    account.want(0, 0.02, k=0, s=2)
    account.want(0, 0.01, k=1, s=3)
    account.run()
    assert account.positions["units"].tolist() == pytest.approx([80.0, -40.0, 80.0])
    assert answers(account) == [
        ("PASSED", "PASSED"),
        ("CLIPPED", "CONCENTRATION"),
        ("CONCENTRATION", "CONCENTRATION"),
        ("PASSED", "PASSED"),
    ]


@pytest.mark.parametrize(
    ("beta", "side", "units", "answer"),
    [
        # The position in symbol 0 has a beta of 1: P = 8,000, and the limit is 10,000.
        (2.0, 1, 10.0, ("CLIPPED", "BETA")),  # (10,000 − 8,000) / 2
        (2.0, -1, -80.0, ("PASSED", "PASSED")),  # (10,000 + 8,000) / 2 = 9,000
        (4.0, -1, -45.0, ("CLIPPED", "BETA")),  # (10,000 + 8,000) / 4
        (-4.0, 1, 45.0, ("CLIPPED", "BETA")),
        (-2.0, -1, -10.0, ("CLIPPED", "BETA")),
        (0.0, 1, 80.0, ("PASSED", "PASSED")),
        (NAN, 1, 0.0, ("BETA", "BETA")),
    ],
)
def test_beta_has_a_limit_on_either_side(
    trial: Trial, rules: Rules, beta: float, side: int, units: float, answer: tuple[str, str]
) -> None:
    for limit in (0.1, 100.0):
        account = trial(3, n_symbols=2, rules=rules(limits={"beta": limit}))
        account.facts["beta"][:, 1] = beta
        account.want(0, 0.02, s=0)
        account.want(0, 0.01 * side, s=1)
        account.run()
        if limit == 100.0:  # is no limit, not even for what has no beta
            units, answer = 80.0 * side, ("PASSED", "PASSED")
        assert answers(account) == [("PASSED", "PASSED"), answer]
        assert account.positions["units"][1:].sum() == pytest.approx(units)


@pytest.mark.parametrize("beta", [1.0, 0.0])
def test_a_position_without_a_beta_refuses_the_next(
    trial: Trial, rules: Rules, beta: float
) -> None:
    account = trial(4, n_symbols=2, rules=rules(limits={"beta": 1.0}))
    account.want(0, s=0)
    account.run()
    account.facts["beta"][1] = (NAN, beta)
    account.want(1, s=1)
    account.run()
    assert answers(account)[1] == ("BETA", "BETA")


@pytest.mark.parametrize(
    ("adv", "units", "answer"),
    [
        (1e6, 80.0, ("PASSED", "PASSED")),  # room for 50,000
        (1e5, 50.0, ("CLIPPED", "LIQUIDITY")),
        (0.0, 0.0, ("LIQUIDITY", "LIQUIDITY")),
        (NAN, 0.0, ("LIQUIDITY", "LIQUIDITY")),
        (INF, 80.0, ("PASSED", "PASSED")),
    ],
)
def test_an_order_is_a_small_part_of_what_is_traded_in_a_day(
    trial: Trial, rules: Rules, adv: float, units: float, answer: tuple[str, str]
) -> None:
    for share in (0.05, 1.0):
        account = trial(3, rules=rules(gates={"participation": share}))
        account.facts["adv"][0, 0] = adv
        account.want(0)
        account.run()
        if share == 1.0:
            units, answer = 80.0, ("PASSED", "PASSED")
        assert answers(account) == [answer]
        assert account.positions["units"].sum() == pytest.approx(units)


@pytest.mark.parametrize("side", [1, -1])
def test_value_at_risk_clips_to_exactly_its_limit(trial: Trial, rules: Rules, side: int) -> None:
    account = trial(3, rules=rules(gates={"var": 0.03}, sizing={"position_cap": 1.0}))
    account.relate(np.eye(1), SIGMA)
    account.stop[:] = 0.015625  # wants 64,000
    account.want(0, 0.01 * side)
    account.run()
    worth = float(account.positions["units"][0]) * 100.0
    assert abs(worth) == pytest.approx(29_181.9, abs=0.1)
    assert QUANTILE * SIGMA * abs(worth) == pytest.approx(0.03 * 100_000.0, rel=1e-12)
    assert answers(account) == [("CLIPPED", "VALUE_AT_RISK")]


@pytest.mark.parametrize("capital", [1.0, 1e-3, 1e12])
def test_the_value_at_risk_of_a_tiny_account_and_of_a_huge_one_is_the_same_share(
    trial: Trial, rules: Rules, capital: float
) -> None:
    tight = rules(capital=capital, gates={"var": 0.03}, sizing={"position_cap": 1.0})
    account = trial(3, n_symbols=3, rules=tight)
    account.relate(np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]]), SIGMA)
    account.stop[0, 0] = (0.0625, 0.015625, 0.0625)  # wants 16 %, 64 % and 16 %
    for s, value in enumerate((0.03, 0.02, -0.01)):
        account.want(0, value, s=s)
    account.run()
    share, rest = SAFE / 100_000.0, np.sqrt(SAFE**2 - 16_000.0**2) / 100_000.0
    # The first leaves the rest of Pythagoras to the second; the third undoes the first.
    worth = account.positions["units"] * 100.0 / capital
    assert worth.tolist() == pytest.approx([0.16, rest, -0.16], rel=1e-9)
    assert answers(account)[1:] == [("CLIPPED", "VALUE_AT_RISK"), ("PASSED", "PASSED")]
    assert rest < share


def test_independent_positions_share_the_value_at_risk_by_pythagoras(
    trial: Trial, rules: Rules
) -> None:
    account = trial(3, n_symbols=5, rules=rules(gates={"var": 0.03}, sizing={"position_cap": 1.0}))
    account.relate(np.eye(5), SIGMA)
    account.stop[:] = 0.0625  # each wants 16,000
    for s in range(5):
        account.want(0, 0.05 - 0.01 * s, s=s)
    account.run()
    last = np.sqrt(SAFE**2 - 3.0 * 16_000.0**2)  # 9,140
    assert account.positions["units"].tolist() == pytest.approx([160.0] * 3 + [last / 100.0])
    assert answers(account)[3:] == [
        ("CLIPPED", "VALUE_AT_RISK"),
        ("VALUE_AT_RISK", "VALUE_AT_RISK"),
    ]


@pytest.mark.parametrize(
    ("side", "stop", "units", "answer"),
    [
        (1, 0.03125, 0.0, ("VALUE_AT_RISK", "VALUE_AT_RISK")),  # more of the same
        (-1, 0.03125, -320.0, ("PASSED", "PASSED")),  # a hedge of 32,000
        # A hedge of twice the position carries as much risk as the position, the other way round.
        (-1, 0.015625, -2.0 * SAFE / 100.0, ("CLIPPED", "VALUE_AT_RISK")),
    ],
)
def test_a_hedge_passes_where_more_of_the_same_does_not(
    trial: Trial, rules: Rules, side: int, stop: float, units: float, answer: tuple[str, str]
) -> None:
    account = trial(3, n_symbols=2, rules=rules(gates={"var": 0.03}, sizing={"position_cap": 1.0}))
    account.relate(np.ones((2, 2)), SIGMA)
    account.stop[0, 0] = (0.015625, stop)
    account.want(0, 0.02, s=0)
    account.want(0, 0.01 * side, s=1)
    account.run()
    assert answers(account) == [("CLIPPED", "VALUE_AT_RISK"), answer]
    assert account.positions["units"][1:].sum() == pytest.approx(units)


@pytest.mark.parametrize(
    ("stop", "answer"),
    [
        (0.125, ("PASSED", "PASSED")),  # 8,000 is enough of a hedge
        (0.25, ("VALUE_AT_RISK", "VALUE_AT_RISK")),  # 4,000 is not
    ],
)
def test_beyond_the_value_at_risk_only_a_hedge_that_brings_it_back_passes(
    trial: Trial, rules: Rules, stop: float, answer: tuple[str, str]
) -> None:
    account = trial(4, n_symbols=2, rules=rules(sizing={"position_cap": 1.0}))
    account.relate(np.ones((2, 2)), SIGMA)
    account.stop[0] = 0.0625  # holds 16,000
    account.stop[1] = stop
    account.want(0, s=0)
    account.run()
    # 1,000 / (1.645 × 1/16) = 9,727 are within the limit: a hedge needs 6,273 or more.
    account.desk.rules["gates_var"] = 0.01
    account.want(1, -0.01, s=1)
    account.run()
    assert answers(account)[1] == answer


def test_a_room_below_nothing_does_not_hide_the_value_at_risk(trial: Trial, rules: Rules) -> None:
    """Gross is 2,500 beyond its limit; to bring risk back would take a sale of 5,342 at least."""
    gates, limits = {"var": 0.03}, {"gross": 0.5}
    account = trial(6, 2, rules=rules(gates=gates, limits=limits, sizing={"position_cap": 1.0}))
    account.stop[:] = 0.015625  # wants more than there is room for
    account.relate(np.array([[1.0, 0.15], [0.15, 1.0]]), 0.01)
    account.want(0, s=0)
    account.run()
    assert account.positions["units"].tolist() == [pytest.approx(500.0)]
    account.move(2, 110.0)
    account.run()
    worth, limit = 55_000.0, 0.03 * 105_000.0 / QUANTILE
    account.relate(np.array([[1.0, 0.15], [0.15, 1.0]]), 1.01 * limit / worth)
    account.want(2, s=1)
    account.run()
    assert answers(account)[-1] == ("VALUE_AT_RISK", "VALUE_AT_RISK")


@pytest.mark.parametrize("limit", [0.03, 1.0])
@pytest.mark.parametrize("fault", ["row", "own", "common", "none"])
def test_a_value_at_risk_that_is_not_known_refuses(
    trial: Trial, rules: Rules, fault: str, limit: float
) -> None:
    account = trial(4, n_symbols=2, rules=rules())
    account.relate(np.eye(2))
    account.want(0, s=0)
    account.run()
    account.desk.rules["gates_var"] = limit
    if fault == "row":
        account.calendar["risk_row"] = -1
    else:
        spoilt = {"own": ((1, 1), NAN), "common": ((0, 1), NAN), "none": ((1, 1), 0.0)}
        (i, j), value = spoilt[fault]
        account.covariance[0, i, j] = account.covariance[0, j, i] = value
    account.facts["swing"] = NAN if fault == "row" else bounds(account.covariance)[0]
    account.want(1, s=1)
    account.run()
    refused = ("VALUE_AT_RISK", "VALUE_AT_RISK")
    assert answers(account)[1] == (refused if limit < 1.0 else ("PASSED", "PASSED"))


@pytest.mark.parametrize(
    ("swings", "answer"),
    [
        ((SWING / 4.0, SWING / 4.0), ("PASSED", "PASSED")),  # both together are half of it
        ((SWING / 4.0, 0.0), ("VALUE_AT_RISK", "VALUE_AT_RISK")),  # the covariances decide
        ((SWING / 4.0, NAN), ("VALUE_AT_RISK", "VALUE_AT_RISK")),
        ((NAN, SWING / 4.0), ("VALUE_AT_RISK", "VALUE_AT_RISK")),
        ((0.55 * SWING, 0.4495 * SWING), ("VALUE_AT_RISK", "VALUE_AT_RISK")),  # 0.9995 of the limit
        ((0.55 * SWING, 0.4485 * SWING), ("PASSED", "PASSED")),  # 0.9985 of it
    ],
)
def test_covariances_are_read_only_where_swings_do_not_settle_it(
    trial: Trial, rules: Rules, swings: tuple[float, float], answer: tuple[str, str]
) -> None:
    """These covariances alone would refuse; each position is worth 8,000 of 100,000."""
    account = trial(4, n_symbols=2, rules=rules())
    account.relate(np.eye(2), 10.0)
    account.want(0, s=0)
    account.run()
    account.desk.rules["gates_var"] = 0.03
    account.facts["swing"] = swings
    account.want(1, s=1)
    account.run()
    assert answers(account)[1] == answer


def test_a_variance_that_is_not_known_stays_out_of_the_book(trial: Trial) -> None:
    account = trial(4, n_symbols=3)
    account.relate(np.array([[1.0, NAN, 0.0], [NAN, 1.0, 0.0], [0.0, 0.0, 1.0]]))
    account.want(0, s=0)
    account.want(0, s=1)
    account.run()
    account.desk.rules["gates_var"] = 0.03
    account.want(1, s=2)
    account.run()
    assert answers(account)[2] == ("VALUE_AT_RISK", "VALUE_AT_RISK")
    assert np.isfinite(account.account["portfolio_variance"])


@pytest.mark.parametrize(
    ("costs", "impact", "cost"),
    [
        ({"half_spread": 0.01}, 0.0, 360.0),  # of the 36,000 that are left
        ({"commission_rate": 0.001, "commission_per_order": 5.0}, 0.0, 41.0),
        ({"commission_per_unit": 0.1}, 0.0, 36.0),  # 360 units
        ({"commission_minimum": 50.0}, 0.0, 50.0),
        ({}, 1e-4, 1e-4 * 36_000.0**1.5),  # 683
    ],
)
def test_the_costs_of_an_order_need_room_beside_it(
    trial: Trial, rules: Rules, costs: dict[str, float], impact: float, cost: float
) -> None:
    free_of_charge = {"half_spread": 0.0, "commission_rate": 0.0}
    priced = rules(costs=free_of_charge | costs, sizing={"position_cap": 1.0})
    account = trial(3, n_symbols=2, rules=priced)
    account.bars["impact"] = impact
    account.stop[:] = 0.015625  # wants 64,000 twice
    account.want(0, 0.02, s=0)
    account.want(0, 0.01, s=1)
    account.run()
    assert account.positions["units"].tolist() == pytest.approx([640.0, (36_000.0 - cost) / 100.0])
    assert answers(account) == [("PASSED", "PASSED"), ("CLIPPED", "CAPITAL")]


def test_a_short_needs_its_margin_and_its_costs(trial: Trial, rules: Rules) -> None:
    half = rules(
        limits={"short_margin": 0.5}, costs={"half_spread": 0.01}, sizing={"position_cap": 1.0}
    )
    account = trial(3, n_symbols=2, rules=half)
    account.stop[0, 0] = (0.015625, 0.0078125)  # wants 64,000, then 100,000 at the cap
    account.want(0, 0.02, s=0)
    account.want(0, -0.01, s=1)
    account.run()
    # 36,000 are the margin of 72,000, whose fill costs 720: (36,000 − 720) / 0.5.
    assert account.positions["units"].tolist() == pytest.approx([640.0, -705.6])
    assert answers(account)[1] == ("CLIPPED", "CAPITAL")


def test_a_position_ties_up_money_at_the_price_of_the_decision(trial: Trial, rules: Rules) -> None:
    account = trial(4, n_symbols=2, rules=rules(sizing={"position_cap": 1.0}))
    account.stop[:] = 0.015625
    account.want(0, s=0)
    account.move(1, 110.0, s=0)  # filled dearer than decided
    account.want(1, s=1)
    account.run(2)
    # Equity is 100,000, of which 70,400 are tied up in symbol 0 at its close of 110.
    assert account.positions["units"].tolist() == pytest.approx([640.0, 296.0])


@pytest.mark.parametrize(
    ("limits", "units", "answer"),
    [
        ({"gross": 0.05, "net": 0.05, "strategy": 0.05}, 50.0, ("CLIPPED", "GROSS")),
        ({"gross": 0.06, "net": 0.05, "strategy": 0.05}, 50.0, ("CLIPPED", "NET")),
        ({"gross": 0.06, "net": 0.05, "strategy": 0.04}, 40.0, ("CLIPPED", "CONCENTRATION")),
    ],
)
def test_the_first_of_the_least_rooms_is_named(
    trial: Trial,
    rules: Rules,
    limits: dict[str, float],
    units: float,
    answer: tuple[str, str],
) -> None:
    account = trial(3, rules=rules(limits=limits))
    account.want(0)
    account.run()
    assert account.positions["units"].tolist() == pytest.approx([units])
    assert answers(account) == [answer]


def test_a_room_that_holds_less_than_the_smallest_order_is_the_reason(
    trial: Trial, rules: Rules
) -> None:
    account = trial(3, rules=rules(limits={"gross": 0.05}, sizing={"smallest_order": 5_001.0}))
    account.want(0)
    account.run()
    assert answers(account) == [("GROSS", "GROSS")]
