"""All that is told of a paper account, computed in one place for terminal and page alike.

with reading(url) as connection:
    told = overview(connection, "main", now)
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from benbot.paper.adoption import is_same_money
from benbot.paper.overview.activity import Activity, activity, closes
from benbot.paper.overview.health import Guard, Health, guards, health
from benbot.paper.overview.holdings import Holding, holdings
from benbot.paper.overview.memory import Chain, Memory
from benbot.paper.overview.money import Money, money
from benbot.paper.overview.press import Press, press
from benbot.paper.overview.results import Results, results
from benbot.paper.overview.rows import Row, begun, newest, parsed
from benbot.paper.overview.stages import StageMove, binds, stage_moves
from benbot.paper.overview.strategies import Share, Weights, shares, weights, withheld
from benbot.paper.plain_words import in_words
from benbot.paper.tables import EVENTS
from benbot.paper.throws import told_of, untold
from benbot.strategies.records.moments import microseconds

SHOWN = 20  # rows of each kind
DRAWN = 400  # decisions


@dataclass(frozen=True, eq=False)
class Overview:
    """An account at a moment.

    identity   what does not change: policy, strategies, symbols, rules
    guards     the breakers
    events     the newest first
    closes     when bars closed that are named in what it did
    policy     by the name under which the last loop asked for it, and version of the registry;
               empty where it is of none, or no loop has said so
    untold     switches that are not among the events yet, in words
    money      what it has now, which within a bar is not what it had at the last close; None: its
               book cannot be read
    moves      of strategies between stages, the newest first
    """

    account: str
    now: int
    began: int
    identity: dict[str, Any]
    results: Results
    holdings: list[Holding]
    weights: Weights
    shares: list[Share]
    activity: Activity
    health: Health
    guards: list[Guard]
    events: list[Row]
    chain: Chain
    closes: dict[int, int] = field(default_factory=dict)
    untold: list[str] = field(default_factory=list)
    policy: tuple[str, str] = ("", "")
    money: Money | None = None
    moves: list[StageMove] = field(default_factory=list)
    press: Press = field(default_factory=lambda: Press([], 0))

    @property
    def is_bound(self) -> bool:
        """Whether a tournament decides who has its money."""
        return binds(self.identity)

    @property
    def knows_stages(self) -> bool:
        """Whether the store knows a stage of any strategy."""
        return any(one.stage for one in self.shares)

    @property
    def moved(self) -> bool:
        """Whether the account has another equity or cash now than at the last close."""
        now, last = self.money, self.results.last
        return now is not None and not (
            is_same_money(now.equity, last["equity"]) and is_same_money(now.cash, last["cash"])
        )

    @property
    def open_profit(self) -> float:
        """What is held has earned at its marks, before costs."""
        return sum(one.profit or 0.0 for one in self.holdings)


def overview(
    connection: Connection,
    account: str,
    now: datetime,
    n: int = SHOWN,
    memory: Memory | None = None,
) -> Overview:
    """Return all that is told of an account, `n` rows of each kind; refuse one not begun.

    `memory` is that of whoever looks again and again.
    """
    begin, moment = begun(connection, account), microseconds(now)
    known = (memory or Memory()).look(connection, account, moment)
    identity = parsed(begin["identity"], "the identity of an account")
    earned, held = results(connection, account, known.marks), holdings(connection, account)
    choices = identity.get("strategies", [])
    chosen = weights(connection, account, choices, DRAWN)
    chosen = withheld(chosen) if binds(identity) else chosen
    did, how = activity(connection, account, n), health(connection, account, moment)
    return Overview(
        account=account,
        now=moment,
        began=begin["began"],
        identity=identity,
        results=earned,
        holdings=held,
        weights=chosen,
        shares=shares(connection, account, chosen, held),
        activity=did,
        health=how,
        guards=guards(identity.get("rules", {}), earned, how.beat),
        events=events(connection, account, n),
        chain=known.chain,
        closes=closes(connection, account, _bars(did)),
        money=money(connection, account, known.marks.flows),
        untold=untold_words(connection, account),
        moves=stage_moves(connection, account, n),
        press=press(connection, account, _concerned(held, did), n),
        policy=_policy(known.newcomer, identity),
    )


def _policy(newcomer: Row, identity: Row) -> tuple[str, str]:
    """Return name and version of the account's policy, as the last loop with it called it."""
    if newcomer.get("digest") != identity.get("policy"):
        return "", ""
    return str(newcomer.get("policy", "")), str(newcomer.get("version", ""))


def events(connection: Connection, account: str, n: int) -> list[Row]:
    """Return the last events with their reasons, the newest first; `said` in words, if known."""
    rows = newest(connection, EVENTS, account, (EVENTS.c.number,), n)
    return [_with_words(row) for row in rows]


def _with_words(row: Row) -> Row:
    reasons = parsed(row["reasons"], "the reasons of an event")
    return row | {"reasons": reasons, "said": in_words(row["kind"], reasons)}


def untold_words(connection: Connection, account: str) -> list[str]:
    """Return in words what was switched and is not among the events yet."""
    told = map(told_of, untold(connection, account))
    return [in_words(one.kind, one.reasons) for one in told]


def _concerned(held: list[Holding], did: Activity) -> set[str]:
    """Return the symbols that are held, or were wanted last."""
    return {one.symbol for one in held} | {one.symbol for one in did.candidates}


def _bars(did: Activity) -> set[int]:
    return (
        {row["closed"] for row in did.trades}
        | {row["opened"] for row in did.trades}
        | {one.bar for one in did.candidates}
    )
