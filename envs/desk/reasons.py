"""Why the desk did what it did: one enum a question, so that every answer can be read."""

from enum import IntEnum


class Verdict(IntEnum):
    """What the gates made of a candidate that won its symbol, or of a position that would grow."""

    PASSED = 0
    CLIPPED = 1  # passed, but smaller than wanted: `limit` says which gate ran short
    # of the account: nothing more is opened in this bar
    HALTED = 2  # a breaker is on
    UNKNOWN_REGIME = 3  # the market is too young to have a regime
    DAILY_TRADES = 4  # the day's number of trades is used up
    DAY_TRADING = 5  # a small account has made as many day trades as it may
    CAPACITY = 6  # as many positions are open as may be
    CAPITAL = 7  # nothing left above the cash that must stay cash
    # of the candidate
    CLOSE_CALL = 8  # the opposite side scored nearly as much, so both were cancelled
    DUPLICATE = 9  # the symbol is already held
    NOT_TRADABLE = 10  # no price, or nobody to trade with, at the bar that would fill the order
    BAD_NUMBER = 11  # a price, stop or size that is not a number
    SYMBOL_HALTED = 12  # the symbol is halted
    STALE = 13  # its last price is too old
    SPREAD = 14  # quoted too wide
    STRESS = 15  # a new long in a bear market of high volatility
    BORROW = 16  # cannot be borrowed, or too dear
    CORRELATION = 17  # moves with a held position
    # room, which may clip or refuse
    GROSS = 18  # longs plus shorts
    NET = 19  # longs less shorts
    SECTOR = 20  # too much in its sector
    CONCENTRATION = 21  # too much in its strategy
    BETA = 22  # too much exposure to the universe
    LIQUIDITY = 23  # too large for what is traded in a day
    VALUE_AT_RISK = 24  # the account could lose too much in a day
    OPEN_RISK = 25  # a poor account already risks as much as it may
    TOO_SMALL = 26  # below the smallest order worth its costs, or below one lot
    PARTNER = 27  # the other leg of its pair may not be opened, or less of it
    # of a candidate whose strategy writes options
    NO_VOLATILITY = 28  # neither implied nor trailing, so no option has a price
    NO_CONTRACT = 29  # no expiry or no strike within what is asked for


class Exit(IntEnum):
    """Why a position, or a part of it, was closed."""

    NONE = 0
    STOP = 1
    TRAILING_STOP = 2
    TIME = 3
    REVERSAL = 4  # its own strategy changed its mind
    WEIGHT = 5  # its own strategy's weight shrank, or more should be in cash
    BREAKER = 6  # the daily-loss breaker flattens the book
    DELISTED = 7  # no price for so long that it was closed at the last one
    TARGET = 8
    PARTIAL = 9  # a share of it at a first target
    BREAK_EVEN = 10  # the rest of it, back at the entry price
    DIAMOND = 11  # a diamond's shorter time is over
    PARTNER = 12  # the other leg of its pair is gone, or leaves
    ASSIGNED = 13  # the holder of the option took the shares, or delivered them
    EXPIRED = 14  # the option ended worth nothing
    OPTION_PROFIT = 15  # most of the premium is earned
    OPTION_TIME = 16  # too near to expiry


class Breaker(IntEnum):
    """Whether the account may open positions."""

    NORMAL = 0
    DAILY_LOSS = 1  # flat until the next trading day
    DRAWDOWN = 2  # no entries until the cool-down is over
    RECOVERING = 3  # half size until the drawdown has shrunk
    API_FAILURES = 4  # the venue does not answer
    STALE_DATA = 5  # too many quotes are too old
