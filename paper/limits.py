"""Limits of one account that are tighter than those it was trained under; they only ever tighten.

The rules of an account are part of what it is: its policy has learned under them. Whoever wants
less risk while it goes on does not change them, but sets limits beside them. They are kept with the
account and hold from its next opening on, also when it is opened without naming them. What is held
is managed to its exit as before; only what opens or enlarges has to keep to them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import Field

from benbot.envs.arrays import RecordArray
from benbot.envs.desk.rules import DeskRules
from benbot.envs.errors import RunMismatch
from benbot.envs.settings import Settings
from benbot.paper.caps import Caps
from benbot.paper.change import Change
from benbot.paper.store import PaperStore

KIND = "limits"  # of the event that says which hold from now on
# Which of the rules a limit replaces, where it is the lower one.
RULES = {
    "daily_trades": ("limits_daily_trades",),
    "gross": ("limits_gross",),
    "net": ("limits_net",),
    "sector": ("limits_sector",),
    "strategy": ("limits_strategy",),
    "position_cap": ("sizing_position_cap", "poor_position_cap"),
}


class AccountLimits(Settings):
    """What an account may open at most; a fraction is of equity, None leaves it to the rules."""

    closed: tuple[str, ...] = Field((), description="symbols in which nothing is opened any more")
    max_positions: int | None = Field(None, ge=0)
    daily_trades: int | None = Field(None, ge=0, description="that open or enlarge, per session")
    gross: float | None = Field(None, ge=0, description="longs plus shorts")
    net: float | None = Field(None, ge=0, description="longs less shorts, either sign")
    sector: float | None = Field(None, ge=0, description="longs plus shorts of a known sector")
    strategy: float | None = Field(None, ge=0, description="longs plus shorts of one strategy")
    position_cap: float | None = Field(None, ge=0, description="notional of a position")
    caps: Caps = Caps()

    def within(self, rules: DeskRules) -> RecordArray:
        """Return the record of the rules with these limits where they are tighter."""
        record = rules.record()
        for name, fields in RULES.items():
            limit = getattr(self, name)
            for field in fields if limit is not None else ():
                record[field] = min(limit, record[field][0])
        return record


NONE = AccountLimits()


@dataclass(frozen=True)
class Tightening:
    """The limits that hold, and those that hold as soon as no opening is under way."""

    now: AccountLimits
    next: AccountLimits

    def written(self, change: Change) -> "Tightening":
        """Keep with the account what holds from now on, and return that."""
        if self.next != self.now:
            change.event(KIND, "account", **self.next.model_dump(mode="json"))
        return Tightening(self.next, self.next)


def tightening(
    store: PaperStore, asked: AccountLimits | None, symbols: tuple[str, ...]
) -> Tightening:
    """Return what holds and what is asked for; refuse what is looser, and symbols of nobody."""
    kept = [one.reasons for one in store.events(KIND)]
    now = AccountLimits.model_validate(kept[-1]) if kept else NONE
    asked = now if asked is None else asked
    unknown = sorted(set(asked.closed) - set(symbols))
    if unknown:
        raise RunMismatch(
            f"limits can close symbols of the account alone, {', '.join(unknown)} is none of them"
        )
    looser = next(_looser(now, asked), "")
    if looser:
        raise RunMismatch(
            f"the limits of an account that has begun only tighten, {looser}. Name the same or "
            "tighter ones, or begin another account"
        )
    return Tightening(now, asked)


def _looser(now: AccountLimits, asked: AccountLimits) -> Iterator[str]:
    """Yield what would be looser than it is."""
    opened = sorted(set(now.closed) - set(asked.closed))
    if opened:
        yield f"{', '.join(opened)} was closed and would be opened"
    for one, other in ((now, asked), (now.caps, asked.caps)):
        for name in sorted(type(one).model_fields.keys() - {"closed", "caps"}):
            was, would = getattr(one, name), getattr(other, name)
            if was is not None and (would is None or would > was):
                shown = "that of the rules" if would is None else would
                yield f"{name} was {was} and would be {shown}"
