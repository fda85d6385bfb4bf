"""Mutants that no test can notice, or that are no rule of the desk, each with the reason.

A whole function as `file:function`, one mutant as it is printed but for the line's number. An entry
that fits no mutant is an error, so the list cannot outlive what it speaks of.
"""

SPEED = "only asks the processor for memory, which changes no result"
BY_ONE = "to split by 1 changes nothing"
AGAIN = "a strategy that is heard twice changes nothing"
SYMMETRIC = "covariances are symmetric"
ENOUGH = "more room than is needed changes nothing"
UNIT = "a side is 1 or -1, so every comparison with less than 1 is one of signs"
NEVER_EQUAL = "a change that is not beyond the band, 0 among them, has returned before"
WHOLE = "a share that is not below 1 is all of it"
ROUNDING = "at this urgency both forms are the same number"
ANY_OTHER = "any number but that of the last session will do"
CANCELS = "the weights have the sum 1, so a factor of all deviations cancels"

EXCLUDED = {
    "cycle.py:fetch_ahead": SPEED,
    "cycle.py:fetch_winners": SPEED,
    "cycle.py:fetch_symbol": SPEED,
    "cycle.py:fetch_order": SPEED,
    "cycle.py:fetch_tied": SPEED,
    "actions.py | if facts.split != 1.0: | 1.0 -> 0.0": BY_ONE,
    "coordinate.py | for k in range(0, last + 1, 4): | 4 -> 3": AGAIN,
    "gates.py | common = covariance_at(desk.tape, t, first.symbol, second.symbol) | "
    "covariance_at(desk.tape, t, first.symbol, second.symbol) -> "
    "covariance_at(desk.tape, t, second.symbol, first.symbol)": SYMMETRIC,
    "coordinate.py | np.zeros((n_positions, 3), np.int64), | 3 -> 4": ENOUGH,
    "coordinate.py | np.zeros((n_positions, 3), np.int64), | 3 -> 6": ENOUGH,
    "sleeves.py | N_REGIMES = 9 | 9 -> 10": ENOUGH,
    "sleeves.py | N_REGIMES = 9 | 9 -> 18": ENOUGH,
    "exits.py | if change > 0.0: | change > 0.0 -> change >= 0.0": NEVER_EQUAL,
    "exits.py | sell(desk, b, i, t, Leave(1.0, position.last_price, Exit.DELISTED, AT_ONCE)) | "
    "1.0 -> 2.0": WHOLE,
    "gates.py | if side > 0.0: | 0.0 -> -1.0": UNIT,
    "gates.py | if side > 0.0: | side > 0.0 -> side >= 0.0": UNIT,
    "execution.py | if urgency < STRAIGHT: | urgency < STRAIGHT -> urgency <= STRAIGHT": ROUNDING,
    "ledger.py | counts = np.zeros((3, n_accounts), np.int64) | 3 -> 4": ENOUGH,
    "ledger.py | counts = np.zeros((3, n_accounts), np.int64) | 3 -> 6": ENOUGH,
    "sleeves.py | desk = Desk(book, tape, shadow, open_ledger(n_strategies, trades=2 * most)) | "
    "2 -> 3": ENOUGH,
    "sleeves.py | desk = Desk(book, tape, shadow, open_ledger(n_strategies, trades=2 * most)) | "
    "2 -> 4": ENOUGH,
    "tape.py | last = np.flatnonzero(np.diff(market.session, append=market.session[-1] + 1)) | "
    "1 -> 2 (2)": ANY_OTHER,
    "portfolio.py | inverse: FloatArray = 1.0 / returns.std(axis=0, ddof=1) | 1 -> 2": CANCELS,
    "portfolio.py | inverse: FloatArray = 1.0 / returns.std(axis=0, ddof=1) | 1 -> 0": CANCELS,
}
