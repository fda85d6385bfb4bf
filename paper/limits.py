"""Limits of one account that are tighter than those it was trained under; they only ever tighten.

The rules of an account are part of what it is: its policy has learned under them. Whoever wants
less risk while it goes on does not change them, but sets limits beside them. They are kept with the
account and hold from its next opening on, also when it is opened without naming them. What is held
is managed to its exit as before; only what opens or enlarges has to keep to them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pydantic import Field

from benbot.envs.arrays import RecordArray
from benbot.envs.desk.rules import DeskRules
from benbot.envs.errors import RunMismatch
from benbot.envs.settings import Settings
from benbot.paper.caps import Caps
from benbot.paper.change import Change
from benbot.paper.store import Happened, PaperStore

KIND = "limits"  # of the event that says which hold from now on
AFTER = "after"  # the bar after which they do
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
    """The limits of an account.

    now   those that hold in the opening that is under way, if one is
    next  those that hold in every opening that comes
    kept  the last that the account's events tell
    """

    now: AccountLimits
    next: AccountLimits
    kept: AccountLimits

    def written(self, change: Change, after: int) -> "Tightening":
        """Keep with the account what holds in the openings after bar `after`, and return that."""
        if self.next != self.kept:
            change.event(KIND, "account", **{AFTER: after}, **self.next.model_dump(mode="json"))
        return replace(self, kept=self.next)


def tightening(
    store: PaperStore, asked: AccountLimits | None, symbols: tuple[str, ...], last: int
) -> Tightening:
    """Return what holds and what is asked for; refuse what is looser, and symbols of nobody.

    `last` is the bar after which the account stands: limits that were taken while the opening after
    it was under way are kept at once, and hold from the one after that.
    """
    kept = [(0, NONE), *map(_of, store.events(KIND))]
    known = kept[-1][1]
    now = next(limits for after, limits in reversed(kept) if after <= last)
    asked = known if asked is None else asked
    unknown = sorted(set(asked.closed) - set(symbols))
    if unknown:
        raise RunMismatch(
            f"limits can close symbols of the account alone, {', '.join(unknown)} is none of them"
        )
    looser = next(_looser(known, asked), "")
    if looser:
        raise RunMismatch(
            f"the limits of an account that has begun only tighten, {looser}. Name the same or "
            "tighter ones, or begin another account"
        )
    return Tightening(now, asked, known)


def _of(event: Happened) -> tuple[int, AccountLimits]:
    """Return after which bar limits hold, and which; those of older accounts hold at once."""
    reasons = dict(event.reasons)
    return int(reasons.pop(AFTER, 0)), AccountLimits.model_validate(reasons)


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
