"""Why the desk did what it did: one enum a question, so that every answer can be read."""

from enum import IntEnum


class Verdict(IntEnum):
    """What the gates made of a candidate that won its symbol."""

    PASSED = 0
    CLIPPED = 1  # passed, but smaller than wanted: capital or open risk ran short
    CLOSE_CALL = 2  # the opposite side scored nearly as much, so both were cancelled
    HALTED = 3  # a breaker is on
    DAILY_TRADES = 4  # the day's number of trades is used up
    CAPACITY = 5  # as many positions are open as may be
    DUPLICATE = 6  # the symbol is already held
    NOT_TRADABLE = 7  # no price at the bar that would fill the order
    UNKNOWN_REGIME = 8  # the market is too young to have a regime
    CAPITAL = 9  # nothing left above the cash that must stay cash
    OPEN_RISK = 10  # a poor account already risks as much as it may
    TOO_SMALL = 11  # below the smallest order worth its costs
    BAD_NUMBER = 12  # a price, stop or size that is not a number


class Exit(IntEnum):
    """Why a position, or a part of it, was closed."""

    NONE = 0
    STOP = 1
    TRAILING_STOP = 2
    TIME = 3
    REVERSAL = 4  # its own strategy changed its mind
    WEIGHT = 5  # its own strategy's weight shrank
    BREAKER = 6  # the daily-loss breaker flattens the book
    DELISTED = 7  # no price for so long that it was closed at the last one


class Breaker(IntEnum):
    """Whether the account may open positions."""

    NORMAL = 0
    DAILY_LOSS = 1  # flat until the next trading day
    DRAWDOWN = 2  # no entries until the cool-down is over
    RECOVERING = 3  # half size until the drawdown has shrunk
