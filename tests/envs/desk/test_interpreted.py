"""The desk without compilation does what the compiled one does."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from benbot.envs.desk.interpreted import IS_INTERPRETED, named
from benbot.envs.desk.ledger import FILL
from tests.envs.desk.test_parity import trade_kernel
from tests.envs.desk.worlds import random_world

AnyArray = NDArray[Any]

ROOT = Path(__file__).parents[3]
SEEDS = (11, 21, 27, 30, 54, 58)  # worlds in which much happens
KINDS = ("fills", "trades", "decisions")
LAST_DIGIT = 1e-13  # in which two libraries' logarithms may differ; nothing else may at all

INTERPRET = """
import sys
import numpy as np
from tests.envs.desk.test_interpreted import outcomes
np.savez(sys.argv[1], **outcomes())
"""


def outcomes() -> dict[str, AnyArray]:
    """Return what all worlds leave behind, by names such as `0.fills.price`."""
    return {f"{seed}.{name}": array for seed in SEEDS for name, array in outcome(seed).items()}


def outcome(seed: int) -> dict[str, AnyArray]:
    """Return the columns of a world's records, its equities, and what its sleeves learned."""
    desk, equity = trade_kernel(random_world(seed))
    seen: dict[str, AnyArray] = {"equity": np.array(equity)}
    for name in ("value", "variance", "sleeve_return"):
        seen[name] = getattr(desk.tape, name)
    for kind in KINDS:
        written = getattr(desk.ledger, kind)[0, : getattr(desk.ledger, f"n_{kind}")[0]]
        seen |= {f"{kind}.{field}": written[field] for field in written.dtype.names}
    return seen


@pytest.mark.skipif(IS_INTERPRETED, reason="nothing is compiled in this process")
def test_the_interpreted_desk_is_the_compiled_one(tmp_path: Path) -> None:
    file = tmp_path / "outcomes.npz"
    subprocess.run(  # noqa: S603  # our own interpreter and our own words
        [sys.executable, "-c", INTERPRET, str(file)],
        cwd=ROOT,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        check=True,
    )
    with np.load(file) as interpreted:
        for name, compiled in outcomes().items():
            assert compiled.size, f"{name} says nothing"
            if name.endswith("sleeve_return"):
                assert_allclose(interpreted[name], compiled, rtol=LAST_DIGIT, atol=LAST_DIGIT)
            else:
                assert_array_equal(interpreted[name], compiled, err_msg=name)


def test_fields_are_attributes_and_are_written_through() -> None:
    fills = np.zeros((2, 3), FILL)
    row, single = named(fills)[1, 2], named(fills[0, 1])
    row.price, single.units = 4.0, -2.0
    assert (fills["price"][1, 2], fills["units"][0, 1]) == (4.0, -2.0)
    named(fills)[0, 0] = row
    assert fills["price"][0, 0] == 4.0
