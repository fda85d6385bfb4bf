"""What is traded, by whom and under which rules: all of an account that no bar changes."""

import json
from dataclasses import asdict, dataclass
from typing import Protocol

from benbot.agents.bundle import Expectations
from benbot.agents.policy import Policy
from benbot.envs.arrays import FloatArray
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.tape import Tape
from benbot.envs.errors import RunMismatch
from benbot.envs.observation import Features, Layout
from benbot.envs.signals import Overlay, Signals
from benbot.paper.change import Change, Names
from benbot.paper.differing import differing, told
from benbot.paper.holding import Holding
from benbot.paper.isolation import Isolated
from benbot.paper.ladder import Ladder
from benbot.paper.limits import AccountLimits


class Chronicle(Protocol):
    """Whoever knows the history of a market up to its last closed bar."""

    def until(self, t: int) -> tuple[Tape, Features]:
        """Return the history with bars 0 to `t`; nothing later is in it."""

    def growth(self, t: int) -> FloatArray:
        """Return what the sleeves returned over bar `t`, (K,)."""

    def growth_until(self, t: int) -> FloatArray:
        """Return what the sleeves returned over bars 0 to `t`, (t + 1, K)."""

    def image(self) -> bytes:
        """Return where the sleeves stand as bytes; nothing where that is not kept."""

    def restore(self, image: bytes, growth: FloatArray) -> None:
        """Bring the sleeves back as they stood after they had returned `growth`, (T, K)."""


@dataclass(frozen=True, eq=False)
class Setting:
    """The account's policy, rules and market.

    key         of its orders, see `intents.key_of`
    began       microseconds since 1970
    conditions  whether the venue takes stops and limits inside a bar, as a replayed one does;
                otherwise an exit is sent at the market when its price is seen
    ruin        equity at or below which the account is over
    limits      that are tighter than the rules; None: those that hold already
    isolated    the strategies, where they are heard at every close
    ladder      on which they stand; None where nobody asks
    """

    policy: Policy
    rules: DeskRules
    names: Names
    layout: Layout
    chronicle: Chronicle
    identity: dict[str, object]
    key: str
    began: int
    conditions: bool
    ruin: float
    limits: AccountLimits | None = None
    isolated: Isolated | None = None
    ladder: Ladder | None = None

    def begin(self, change: Change, t: int, capital: float) -> None:
        """Note the account as it begins at the close of bar `t`."""
        growth = self.chronicle.growth_until(t)
        change.begin(json.dumps(self.identity, sort_keys=True), t, capital, growth, self.began)
        change.event("began", f"bar {t}", capital=capital, identity=self.identity)


def identity_of(
    expectations: Expectations, policy_digest: str, symbols: tuple[str, ...]
) -> dict[str, object]:
    """Return what must be the same whenever the account is opened again."""
    known = asdict(expectations)
    for name in ("layout", "data_digest"):
        known.pop(name)
    return {"policy": policy_digest, "symbols": list(symbols), **known}


def require_same(kept: str, identity: dict[str, object], policy: Policy | None = None) -> None:
    """Refuse to go on with an account under another policy, other strategies or other rules.

    Where nobody decides (`paper.holding`), it does not matter who did.
    """
    then = json.loads(kept)
    now = json.loads(json.dumps(identity))
    left_aside = {"policy"} if isinstance(policy, Holding) else set()
    for name in differing(then, now):
        if name not in left_aside:
            raise RunMismatch(told(name, then.get(name), now.get(name)))


def require_tradable(rules: DeskRules, signals: Signals) -> None:
    """Refuse what no venue of ours can do."""
    if rules.execution.style != "open":
        raise RunMismatch(
            "paper trading needs execution.style: open, whose orders fill at the open, was "
            f"{rules.execution.style}"
        )
    if (signals.overlay != Overlay.NONE).any():
        names = [
            name
            for name, overlay in zip(signals.strategies, signals.overlay, strict=True)
            if overlay != Overlay.NONE
        ]
        raise RunMismatch(
            f"paper trading is of shares alone, {', '.join(names)} writes options. Train without it"
        )
