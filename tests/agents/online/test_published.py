"""The wealth that the literature prints, on the price relatives that it used.

`djia` is that of the authors' own logs, 507 bars of 30 stocks; `sp500`, 1,276 bars of 25, was
computed independently from the same formulas, so Anticor, whose ties depend on the last digit, is
held to the three digits that the authors print.
"""

from pathlib import Path

import pandas as pd
import pytest

from benbot.experiments.olps import COSTS, wealth_table

NO_COST = {
    "djia": {
        "market": 0.764361,
        "best stock": 1.18836,
        "UCRP": 0.812726,
        "BCRP": 1.239928,
        "EG": 0.810030,
        "ONS": 1.532990,
        "Anticor": 2.285082,
        "PAMR": 0.680050,
        "CWMR": 0.687124,
        "OLMAR-1": 2.537232,
        "OLMAR-2": 1.161133,
    },
    "sp500": {
        "market": 1.34164,
        "best stock": 3.77918,
        "UCRP": 1.64871,
        "BCRP": 4.06863,
        "EG": 1.63332,
        "ONS": 3.34171,
        "Anticor": 5.89,
        "PAMR": 5.09488,
        "CWMR": 5.95329,
        "OLMAR-1": 15.9435,
        "OLMAR-2": 9.59451,
    },
}
WITH_COSTS = {
    "djia": {"OLMAR-2": (1.161, 0.795, 0.449, 0.174)},
    "sp500": {
        "OLMAR-2": (9.59, 3.67, 0.865, 0.077),
        "PAMR": (5.09, 1.80, 0.378, 0.028),
        "EG": (1.633, 1.617, 1.593, 1.554),
    },
}
HALF_A_DIGIT = 0.5


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["djia", pytest.param("sp500", marks=pytest.mark.nightly)])
def test_wealth_is_what_is_printed_to_the_last_digit(shared_data: Path, name: str) -> None:
    relatives = pd.read_parquet(shared_data / f"olps_{name}_relatives.parquet").to_numpy()
    rows = wealth_table(relatives, COSTS)
    for learner, printed in NO_COST[name].items():
        assert_printed(rows[learner][0], printed)
    for learner, at_costs in WITH_COSTS[name].items():
        for own, printed in zip(rows[learner], at_costs, strict=False):
            assert_printed(own, printed)


def assert_printed(value: float, printed: float) -> None:
    digits = len(f"{printed}".partition(".")[2])
    assert abs(value - printed) <= HALF_A_DIGIT * 10.0**-digits * 1.001, (value, printed)
