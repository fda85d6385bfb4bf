"""Section 13: what a strategy's round trips in its sleeve say of its next one."""

from benbot.envs.desk.rules import DeskRules

UNKNOWN = -1


class Tally:
    """Number and sum of returns."""

    def __init__(self) -> None:
        self.n, self.total, self.squares = 0, 0.0, 0.0

    def add(self, value: float) -> None:
        self.n, self.total, self.squares = self.n + 1, self.total + value, self.squares + value**2


class Record:
    """The returns of all trades that a strategy's sleeve closed so far."""

    def __init__(self) -> None:
        self.all = Tally()
        self.of_regime: dict[int, Tally] = {}
        self.of_symbol: dict[int, Tally] = {}

    def add(self, value: float, regime: int, symbol: int) -> None:
        self.all.add(value)
        self.of_regime.setdefault(regime, Tally()).add(value)
        self.of_symbol.setdefault(symbol, Tally()).add(value)

    def expected(self, rules: DeskRules, regime: int, symbol: int) -> float:
        """Return the expected value of a candidate in this regime and symbol."""
        value = rules.value

        def shrunk(tally: Tally | None, towards: float) -> float:
            tally = Tally() if tally is None else tally
            return (value.shrinkage * towards + tally.total) / (value.shrinkage + tally.n)

        overall = shrunk(self.all, value.prior)
        here = overall if regime <= UNKNOWN else shrunk(self.of_regime.get(regime), overall)
        own = shrunk(self.of_symbol.get(symbol), overall)
        return max(here + own - overall, value.floor)

    def variance(self, rules: DeskRules) -> float:
        """Return the variance of the round trips, shrunk to what the rules expect."""
        shrinkage = rules.value.shrinkage
        prior = rules.sizing.kelly_deviation**2
        return (shrinkage * prior + self.all.squares) / (shrinkage + self.all.n)
