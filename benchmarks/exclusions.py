"""Mutants that no test can notice, or that are no rule of the desk, each with the reason.

A whole function as `file:function`, one mutant as it is printed but for the line's number. An entry
that fits no mutant is an error, so the list cannot outlive what it speaks of.
"""

BY_ONE = "to split by 1 changes nothing"
AGAIN = "a strategy that is heard twice changes nothing"
SYMMETRIC = "covariances are symmetric"
ENOUGH = "more room than is needed changes nothing"
UNIT = "a side is 1 or -1, so every comparison with less than 1 is one of signs"
NEVER_EQUAL = "a change that is not beyond the band, 0 among them, has returned before"
ROUNDING = "at this urgency both forms are the same number"
ANY_OTHER = "any number but that of the last session will do"
CANCELS = "the weights have the sum 1, so a factor of all deviations cancels"
UNSIGNED = "what is not a number has no sign"
NEUTRAL = "a split of 1 and a dividend of 0 change nothing"
SAME_THERE = "on the line itself both sides are the same number"
MASKED = "what is computed there is not known, and is replaced"
FIRST_ROW = "row 0 is that of the first session, which has no returns: nothing of it is known"
SQUARE = "there is one sleeve a strategy, so both sides are as long"
UNHALTED = "nothing halts a sleeve, so the session in which it opens changes nothing"
BUFFERED = "the cash buffer is not below 0, and the greater of both is kept"
POSITIVE = "a price is above 0 or not there at all"
NOBODY = "the weights of no symbol are written nowhere"
NO_SUM = "what has no weights has not the sum 1"
UNREACHED = "sums near 1 are multiples of 2^-53, and a millionth is none"
ROUNDS_DOWN = "-1 // n is -1 for every n, which says that nothing is known"
NO_URGENCY = "an urgency below 0 is none"
NEVER_NONE = "a position has units, or it is none"
EITHER_SIDE = "to sell costs what to buy does"

EXCLUDED = {
    "actions.py | if action.split != 1.0: | 1.0 -> 0.0": BY_ONE,
    "coordinate.py | for k in range(0, last + 1, 4): | 4 -> 3": AGAIN,
    "gates.py | common = covariance_at(desk.tape, t, first.symbol, second.symbol) | "
    "covariance_at(desk.tape, t, first.symbol, second.symbol) -> "
    "covariance_at(desk.tape, t, second.symbol, first.symbol)": SYMMETRIC,
    "coordinate.py | np.zeros((n_positions, 3), np.int64), | 3 -> 4": ENOUGH,
    "coordinate.py | np.zeros((n_positions, 3), np.int64), | 3 -> 6": ENOUGH,
    "exits.py | if change > 0.0: | change > 0.0 -> change >= 0.0": NEVER_EQUAL,
    "gates.py | if side > 0.0: | 0.0 -> -1.0": UNIT,
    "gates.py | if side > 0.0: | side > 0.0 -> side >= 0.0": UNIT,
    "execution.py | if urgency < STRAIGHT: | urgency < STRAIGHT -> urgency <= STRAIGHT": ROUNDING,
    "ledger.py | counts = np.zeros((5, n_accounts), np.int64) | 5 -> 6": ENOUGH,
    "ledger.py | counts = np.zeros((5, n_accounts), np.int64) | 5 -> 10": ENOUGH,
    "sleeves.py | desk = Desk(book, tape, shadow, open_ledger(n_strategies, trades=2 * most)) | "
    "2 -> 3": ENOUGH,
    "sleeves.py | desk = Desk(book, tape, shadow, open_ledger(n_strategies, trades=2 * most)) | "
    "2 -> 4": ENOUGH,
    "taping.py | last = np.flatnonzero(np.diff(market.session, append=market.session[-1] + 1)) | "
    "1 -> 2 (2)": ANY_OTHER,
    "portfolio.py | inverse: FloatArray = 1.0 / returns.std(axis=0, ddof=1) | 1 -> 2": CANCELS,
    "portfolio.py | inverse: FloatArray = 1.0 / returns.std(axis=0, ddof=1) | 1 -> 0": CANCELS,
    "actions.py | return | return -> pass": NEUTRAL,
    "actions.py | if action.dividend != 0.0 and not is_promise(position): | 0.0 -> -1.0": NEUTRAL,
    "actions.py | account.gross -= income if position.units > 0.0 else -income | "
    "position.units > 0.0 -> position.units >= 0.0": NEVER_NONE,
    "sizing.py | return np.nan | return np.nan -> return -np.nan": UNSIGNED,
    "sizing.py | if not share > 0.0: | share > 0.0 -> share >= 0.0": SAME_THERE,
    "tape.py | return np.nan | return np.nan -> return -np.nan": UNSIGNED,
    "taping.py | is_known, row = risk.row >= 0, np.maximum(risk.row, 0) | "
    "risk.row >= 0 -> risk.row > 0": FIRST_ROW,
    "taping.py | is_known, row = risk.row >= 0, np.maximum(risk.row, 0) | 0 -> 1": FIRST_ROW,
    "taping.py | is_known, row = risk.row >= 0, np.maximum(risk.row, 0) | 0 -> -1": FIRST_ROW,
    "taping.py | is_known, row = risk.row >= 0, np.maximum(risk.row, 0) | 0 -> -1 (2)": MASKED,
    "taping.py | last = np.flatnonzero(np.diff(market.session, append=market.session[-1] + 1)) | "
    "market.session[-1] + 1 -> market.session[-1] - 1": ANY_OTHER,
    "taping.py | adv[:, s] = np.where(at >= 0, mean[np.maximum(at, 0)], np.inf) | "
    "0 -> -1 (2)": MASKED,
    "taping.py | "
    "ratio = np.where(known, volatility / np.sqrt(np.where(known, volume, 1.0)), 0.0) | "
    "1.0 -> 2.0": MASKED,
    "taping.py | for t in range(1, len(squares)): | 1 -> 0": MASKED,
    "sleeves.py | np.zeros((n_strategies, N_REGIMES, 2)), | 2 -> 3": ENOUGH,
    "sleeves.py | np.zeros((n_strategies, N_REGIMES, 2)), | 2 -> 4": ENOUGH,
    "sleeves.py | np.zeros((n_strategies, n_symbols, 2)), | 2 -> 3": ENOUGH,
    "sleeves.py | np.zeros((n_strategies, n_symbols, 2)), | 2 -> 4": ENOUGH,
    "sleeves.py | for k in range(desk.book.sleeves.shape[1]): | 1 -> 0": SQUARE,
    "sleeves.py | open_sleeve(desk, k, 0) | 0 -> -1": UNHALTED,
    "sleeves.py | open_sleeve(desk, k, t + 1) | t + 1 -> t - 1": UNHALTED,
    "sleeves.py | open_sleeve(desk, k, t + 1) | 1 -> 0": UNHALTED,
    "sleeves.py | desk.book.accounts[k].cash_weight = 0.0 | 0.0 -> -1.0": BUFFERED,
    "sleeves.py | return growth if growth > RUIN_GROWTH else RUIN_GROWTH  "
    "# also for what is not a number | growth > RUIN_GROWTH -> growth >= RUIN_GROWTH": SAME_THERE,
    "sleeves.py | open_for_trade = desk.tape.bars[t, s].close > 0.0 | "
    "desk.tape.bars[t, s].close > 0.0 -> desk.tape.bars[t, s].close >= 0.0": POSITIVE,
    "sleeves.py | open_for_trade = desk.tape.bars[t, s].close > 0.0 | 0.0 -> -1.0": POSITIVE,
    "risk.py | row=np.where(before > 0, (before - 1) // settings.refresh, NOTHING_KNOWN), | "
    "before > 0 -> before >= 0": ROUNDS_DOWN,
    "risk.py | row=np.where(before > 0, (before - 1) // settings.refresh, NOTHING_KNOWN), | "
    "0 -> -1": ROUNDS_DOWN,
    "risk.py | last = np.flatnonzero(np.diff(market.session, append=market.session[-1] + 1)) | "
    "market.session[-1] + 1 -> market.session[-1] - 1": ANY_OTHER,
    "risk.py | last = np.flatnonzero(np.diff(market.session, append=market.session[-1] + 1)) | "
    "1 -> 2 (2)": ANY_OTHER,
    "risk.py | first = np.concatenate([[0], last[:-1] + 1]) | 0 -> -1": MASKED,
    "risk.py | closes = np.take_along_axis(market.close, np.maximum(traded, 0), axis=0) | "
    "0 -> -1": MASKED,
    "risk.py | return math.nan | return math.nan -> return -math.nan": UNSIGNED,
    "portfolio.py | inverse: FloatArray = 1.0 / returns.std(axis=0, ddof=1) | 1.0 -> 2.0": CANCELS,
    'portfolio.py | return np.empty(0), "no symbol had all returns of the window, and nothing is '
    'traded" | 0 -> 1': NOBODY,
    "portfolio.py | weights, failure = np.empty(0), str(error) | 0 -> 1": NO_SUM,
    "portfolio.py | if abs(weights.sum() - 1.0) < TOLERANCE:  # False for NaN | "
    "abs(weights.sum() - 1.0) < TOLERANCE -> abs(weights.sum() - 1.0) <= TOLERANCE": UNREACHED,
    "execution.py | return units * _remaining(0.0, n_intervals) | 0.0 -> -1.0": NO_URGENCY,
    'execution.py | weights = -np.diff(_remaining(urgency if style == "almgren_chriss" else 0.0, '
    "slices)) | 0.0 -> -1.0": NO_URGENCY,
    "execution.py | trades: FloatArray = -np.diff(holdings) | "
    "-np.diff(holdings) -> np.diff(holdings)": EITHER_SIDE,
    "execution.py | return trades | return trades -> return -trades": EITHER_SIDE,
}
