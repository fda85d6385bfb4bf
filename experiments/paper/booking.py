"""Round trips of paper trading in a store of records, where tournament and lessons read them."""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from benbot.envs.history import History
from benbot.evolution.orchestration.members import digest_of
from benbot.paper.account_rows import AccountRows, key_of_account
from benbot.paper.booked import trades_of
from benbot.strategies.catalogue import StrategyChoice, build
from benbot.strategies.records import Records, Registered, open_records
from benbot.strategies.records.moments import Clock

OWNER = "benbot paper"
ORIGIN = "catalogue"  # as a season says it


def book_trades(
    url: str, rows: AccountRows, history: History, choices: Sequence[StrategyChoice], clock: Clock
) -> int:
    """Write the round trips that are not in the store yet, all or none, and return how many.

    A trade is told by its account and by its place among the account's, so that the same again
    changes nothing. Who is killed before the end has written nothing, and begins again.
    """
    with open_records(url, owner=OWNER, clock=clock) as records:
        name, known = f"paper {key_of_account(rows)}", {"trades": len(rows.trades)}
        if not rows.trades or records.state(name) == known:
            return 0
        ladder = records.ladder()
        known_at = zip(ladder["strategy"], ladder["stage"], strict=True)
        stages = {str(one): stage for one, stage in known_at if isinstance(stage, str)}
        frame = trades_of(rows, history, stages)
        with records.change(_moment(records, frame)) as change:
            for choice in choices:
                change.register(_registered(choice))
            new = change.trades(frame)
            change.state(name, known)
    return new


def _moment(records: Records, frame: pd.DataFrame) -> datetime:
    """Return the moment of the change: the last closing time, or that of the change before."""
    closed: datetime = frame["closed"].max().to_pydatetime()
    last = records.moment()
    return closed if last is None else max(closed, last)


def _registered(choice: StrategyChoice) -> Registered:
    name, digest = build(choice).name, digest_of(choice)
    return Registered(name, choice.name, ORIGIN, dict(choice.parameters), digest)
