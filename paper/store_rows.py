"""Rows of the paper store as what the loop speaks of."""

import json
from typing import Any

from sqlalchemy import Row

from benbot.envs.desk.reasons import Exit
from benbot.paper.intents import Intent, IntentStatus
from benbot.paper.standing import Phase, Standing
from benbot.paper.venue import OrderKind, Side, VenueFill
from benbot.strategies.records.moments import microseconds, moment_of


def standing_from(row: Row[Any]) -> Standing:
    """Return where an account stands."""
    return Standing(
        bar=row.bar,
        phase=Phase(row.phase),
        stage=row.stage,
        book=row.book,
        facts=row.facts,
        sleeves=row.sleeves,
        foreign=json.loads(row.foreign),
    )


def standing_row(standing: Standing) -> dict[str, Any]:
    """Return the columns of where an account stands."""
    return {
        "bar": standing.bar,
        "phase": standing.phase.value,
        "stage": standing.stage,
        "book": standing.book,
        "facts": standing.facts,
        "sleeves": standing.sleeves,
        "foreign": json.dumps(dict(standing.foreign), sort_keys=True),
    }


def intent_from(row: Row[Any]) -> Intent:
    """Return an intent."""
    return Intent(
        client_order_id=row.client_order_id,
        bar=row.bar,
        stage=row.stage,
        sequence=row.sequence,
        symbol=row.symbol_number,
        ticker=row.symbol,
        strategy=row.strategy_number,
        reason=Exit[row.reason],
        units=row.units,
        price=row.price,
        planned=moment_of(row.planned),
        kind=OrderKind(row.kind),
        limit=row.limit_price,
        status=IntentStatus(row.status),
        attempts=row.attempts,
        filled=row.filled,
        fill_price=row.fill_price,
        cost=row.cost,
        note=row.note,
    )


def fill_from(row: Row[Any]) -> VenueFill:
    """Return a fill that is booked."""
    return VenueFill(
        execution_id=row.execution_id,
        venue_order_id=row.venue_order_id,
        client_order_id=row.client_order_id,
        symbol=row.symbol,
        side=Side.BUY if row.units > 0.0 else Side.SELL,
        units=abs(row.units),
        price=row.price,
        time=moment_of(row.moment),
        cost=row.cost,
    )


def intent_row(intent: Intent, strategy: str, now: int) -> dict[str, Any]:
    """Return the columns of an intent but the account's."""
    return {
        "client_order_id": intent.client_order_id,
        "bar": intent.bar,
        "stage": intent.stage,
        "sequence": intent.sequence,
        "symbol": intent.ticker,
        "symbol_number": intent.symbol,
        "strategy": strategy,
        "strategy_number": intent.strategy,
        "reason": Exit(intent.reason).name,
        "units": intent.units,
        "kind": intent.kind.value,
        "limit_price": intent.limit,
        "price": intent.price,
        "status": intent.status.value,
        "attempts": intent.attempts,
        "filled": intent.filled,
        "fill_price": intent.fill_price,
        "cost": intent.cost,
        "note": intent.note,
        "planned": microseconds(intent.planned),
        "updated": now,
    }
