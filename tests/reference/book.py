"""The records of an account, and what everybody who acts on it sees of a bar (section 1)."""

from dataclasses import dataclass, field

from benbot.envs.desk.reasons import Breaker, Exit, Verdict
from benbot.envs.desk.rules import DeskRules
from benbot.envs.signals import Overlay, Signals
from tests.reference.facts import Facts
from tests.reference.record import Record


@dataclass(frozen=True)
class Fill:
    """What was bought or sold; reason NONE opens or enlarges a position."""

    bar: int
    symbol: int
    strategy: int
    units: float
    price: float
    cost: float
    reason: Exit


@dataclass(frozen=True)
class Decision:
    """What the gates made of a winner or of an enlargement; fractions of E, with their sign."""

    bar: int
    symbol: int
    strategy: int
    wanted: float
    allowed: float
    verdict: Verdict
    limit: Verdict
    enlarges: bool = False


@dataclass(frozen=True)
class Trade:
    """A round trip that was closed completely; regime is that of the decision to open it."""

    strategy: int
    symbol: int
    side: int
    opened: int
    closed: int
    entry_price: float
    exit_price: float
    notional: float
    costs: float
    income: float
    profit: float
    reason: Exit
    regime: int


@dataclass(frozen=True)
class OptionFill:
    """What was written (negative contracts), bought back, or ended (section 14)."""

    bar: int
    symbol: int
    strategy: int
    overlay: Overlay
    contracts: float
    multiplier: float
    strike: float
    expiry: int
    reason: Exit
    spot: float
    volatility: float
    is_synthetic: bool
    price: float
    cost: float
    delta: float
    gamma: float
    vega: float
    theta: float


@dataclass
class Option:
    """What a position has written (section 16)."""

    contracts: float
    multiplier: float
    strike: float
    expiry: int
    volatility: float
    is_synthetic: bool
    premium: float
    price: float  # at the last mark

    @property
    def units(self) -> float:
        return self.contracts * self.multiplier


@dataclass
class Position:
    """Units and base units are negative for a short; prices are 0 until it is filled."""

    strategy: int
    symbol: int
    diamond: bool
    opened: int
    base_units: float
    last_price: float
    units: float = 0.0
    entry_price: float = 0.0
    distance: float = 0.0
    stop: float = 0.0
    initial_stop: float = 0.0
    best: float = 0.0
    partial: float = 0.0
    target: float = 0.0
    notional: float = 0.0  # the most that was ever paid for it, at entry prices
    partial_taken: bool = False
    complete: bool = True
    partner: int = -1  # symbol of the other leg of a pair
    missing: int = 0  # bars in a row without a price
    realised: float = 0.0
    income: float = 0.0
    costs: float = 0.0
    overlay: Overlay = Overlay.NONE
    option: Option | None = None
    writes_from: int = 0  # first bar in which it may write
    symbol_price: float = 0.0  # of a put

    @property
    def is_put(self) -> bool:
        return self.overlay == Overlay.SECURED_PUT

    @property
    def spot(self) -> float:
        return self.symbol_price if self.is_put else self.last_price

    @property
    def side(self) -> int:
        return 1 if self.units > 0.0 else -1

    @property
    def worth(self) -> float:
        return self.units * self.last_price


@dataclass
class Account:
    """An account as it stands at the close of a bar."""

    cash: float
    equity: float
    previous_equity: float
    peak: float
    recovery_peak: float
    day_equity: float
    session: int
    state: Breaker = Breaker.NORMAL
    halted_until: int = 0
    daily_loss: bool = False
    venue: bool = False
    trades_today: int = 0
    day_trades: list[int] = field(default_factory=lambda: [0] * 5)  # oldest session first
    winnings: float = 0.0
    losings: float = 0.0
    round_trips: int = 0
    positions: list[Position] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    options: list[OptionFill] = field(default_factory=list)

    @property
    def owed(self) -> float:
        """What options would cost to be rid of, and what puts promise."""
        written = [p for p in self.positions if p.option is not None]
        return sum(p.option.units * p.option.price + p.is_put * p.worth for p in written)

    @property
    def long(self) -> float:
        return sum((p.worth for p in self.positions if p.worth > 0.0), 0.0)

    @property
    def short(self) -> float:
        return sum((-p.worth for p in self.positions if not p.worth > 0.0), 0.0)

    @property
    def health(self) -> tuple[bool, bool, Breaker]:
        """Whether the breakers of the day's loss and of the venue are on, and the drawdown's."""
        return self.daily_loss, self.venue, self.state

    def holding(self, symbol: int) -> Position | None:
        return next((p for p in self.positions if p.symbol == symbol), None)

    def drop(self, position: Position) -> None:
        """Remove a position; the last one takes its slot."""
        slot = next(i for i, p in enumerate(self.positions) if p is position)
        self.positions[slot] = self.positions[-1]
        self.positions.pop()


def open_account(capital: float, session: int) -> Account:
    """Return an account at its opening (the end of section 4)."""
    return Account(*(capital,) * 6, session)


@dataclass(frozen=True)
class Opinions:
    """The strategies' signals as nested lists, [T][K][S], [T][S] and [K].

    partners and shares are [T][P][S]; row says which of P a strategy is, below 0 none.
    """

    direction: list[list[list[int]]]
    confidence: list[list[list[float]]]
    stop: list[list[list[float]]]
    diamond: list[list[bool]]
    stress: list[bool]
    row: list[int]
    partner: list[list[list[int]]]
    share: list[list[list[float]]]
    overlay: list[Overlay]


def opinions_of(signals: Signals) -> Opinions:
    stress = getattr(signals, "stress", None)
    return Opinions(
        signals.direction.tolist(),
        signals.confidence.tolist(),
        signals.stop_distance.tolist(),
        signals.diamond.tolist(),
        [False] * signals.n_strategies if stress is None else stress.tolist(),
        signals.pairing.tolist(),
        signals.partner.tolist(),
        signals.share.tolist(),
        [Overlay(code) for code in signals.overlay.tolist()],
    )


@dataclass(frozen=True)
class Desk:
    """What is the same at every bar for every account under the same rules."""

    facts: Facts
    opinions: Opinions
    regime: list[int]
    budgets: list[list[float]]
    rules: DeskRules
    records: list[Record]  # of the sleeves, as of the present bar


@dataclass
class Bar:
    """One account from the close of bar t to the close of bar t + 1.

    weights   [K + 1]  cash is the last
    values    [K][S]   of the candidates at the close of bar t
    venue              calls that failed in a row, and the number of stale quotes
    """

    desk: Desk
    account: Account
    t: int
    weights: list[float]
    values: list[list[float]]
    venue: tuple[int, int] = (0, 0)
    scale: float = 1.0  # of sizes, as it is before the exits of the bar

    @property
    def rules(self) -> DeskRules:
        return self.desk.rules

    @property
    def facts(self) -> Facts:
        return self.desk.facts

    @property
    def reserve(self) -> float:
        return max(self.rules.limits.cash_buffer, self.weights[-1])

    @property
    def tied(self) -> float:
        return self.account.long + self.rules.limits.short_margin * self.account.short

    @property
    def free(self) -> float:
        return self.account.equity * (1.0 - self.reserve) - self.tied

    @property
    def poor(self) -> bool:
        return self.account.equity < self.rules.poor.below

    def close(self, s: int) -> float:
        """Return the close of bar t as the orders of bar t + 1 see it."""
        return self.facts.rebased_close(self.t, s)

    def multiple(self, k: int) -> float:
        """Return by how much the weight of a strategy multiplies its standard size."""
        n_strategies = len(self.weights) - 1
        return min(self.weights[k] * n_strategies, self.rules.sizing.weight_cap)
