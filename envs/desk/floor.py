"""The trading floor: the desk, and working space for the decision that is being made on it."""

from typing import NamedTuple

import numpy as np

from benbot.envs.desk.book import ACCOUNT, OPTION, POSITION, SLEEVE, Book
from benbot.envs.desk.coordinate import PLACE, Contest, open_contest
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.ledger import DECISION, FILL, OPTION_FILL, ORDER, TRADE, Ledger
from benbot.envs.desk.loan import Kind, Loan, array_of, taker, tuple_of
from benbot.envs.desk.rules import RULES
from benbot.envs.desk.tape import ACTION, BAR, CALENDAR, FACTS, LEG, OFFER, SIZING, Tape


class Floor(NamedTuple):
    """What a kernel trades on."""

    desk: Desk
    contest: Contest


def written(dtype: Kind, n_dims: int) -> Kind:
    """Return the kind of an array that the kernel writes to."""
    return array_of(dtype, n_dims, is_written=True)


COUNT = written(np.int64, 1)
BOOK = tuple_of(
    Book, written(ACCOUNT, 1), written(POSITION, 2), written(SLEEVE, 2), written(OPTION, 2)
)
TAPE = tuple_of(
    Tape,
    array_of(BAR, 2),
    array_of(ACTION, 2),
    array_of(FACTS, 2),
    array_of(SIZING, 2),
    written(np.float32, 3),  # value
    array_of(np.float32, 3),  # stop
    written(np.float64, 2),  # variance
    array_of(np.float32, 3),  # covariance
    array_of(np.uint64, 4),  # tied
    array_of(CALENDAR, 1),
    array_of(np.int64, 1),  # session
    array_of(np.int8, 1),  # regime
    written(np.float64, 2),  # sleeve_return
    array_of(np.float64, 1),  # year_share
    array_of(np.bool_, 1),  # stress
    array_of(np.int64, 1),  # pairing
    array_of(LEG, 3),
    array_of(np.int8, 1),  # overlay
    array_of(OFFER, 2),
)
LEDGER = tuple_of(
    Ledger,
    *(written(FILL, 2), COUNT, written(TRADE, 2), COUNT, written(DECISION, 2), COUNT),
    *(written(OPTION_FILL, 2), COUNT, written(ORDER, 2), COUNT),
)
CONTEST = tuple_of(
    Contest,
    written(np.float32, 2),  # long
    written(np.float32, 2),  # short
    written(np.float32, 1),  # best
    written(PLACE, 2),  # owner
    written(PLACE, 1),  # winner
    written(np.int64, 1),  # rank
    written(np.uint64, 1),  # held
    written(np.uint64, 2),  # tied
    written(np.int64, 2),  # closed
    COUNT,
)
DESK = tuple_of(Desk, BOOK, TAPE, array_of(RULES, 1), LEDGER)


class FloorLoan(Loan[Floor]):
    """A floor as a kernel takes it up, with `take_floor`."""

    kind = tuple_of(Floor, DESK, CONTEST)


take_floor = taker(FloorLoan.kind)


def lend(desk: Desk) -> FloorLoan:
    """Return a desk with working space of its own, to be traded on by one kernel at a time."""
    return FloorLoan(Floor(desk, open_contest(desk)))
