"""Accounts that follow one another in time, told as one."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from benbot.agents.evaluation import Evaluation
from benbot.envs.arrays import FloatArray, RecordArray
from benbot.envs.errors import InvalidParameter

# Fields in account currency or in units, which are larger for an account that has more.
MONEY = {
    "fills": ("units", "cost"),
    "trades": ("notional", "income", "costs", "profit"),
    "open_trades": ("notional", "income", "costs", "profit"),
    "options": ("contracts", "cost"),
}
AFTER_A_BAR = ("timestamps", "bars", "exposure", "regime", "breaker")  # a mark more than decisions
JOINED = ("weights", "turnover", "decisions", "holdings")


def joined(parts: Sequence[Evaluation]) -> Evaluation:
    """Return the account that had all parts one after another.

    Each begins at the mark at which the one before ends, in cash, with what that one had: equity,
    fills and trades are those of the parts in proportion. What was open at the end of a part is
    valued there, without the costs of leaving, and stays among the open trades.
    """
    for before, after in pairwise(parts):
        if before.bars[-1] != after.bars[0] or before.name != after.name:
            raise InvalidParameter(
                f"accounts that follow one another must meet at a mark, was {before.name} until "
                f"bar {before.bars[-1]} and {after.name} from bar {after.bars[0]}"
            )
    first = parts[0]
    if len(parts) == 1:
        return first
    scales = _scales(parts)
    marks = {name: [getattr(one, name) for one in parts] for name in AFTER_A_BAR}
    marks["equity"] = [one.equity * scale for one, scale in zip(parts, scales, strict=True)]
    changed: dict[str, Any] = {name: _after(values) for name, values in marks.items()}
    for name in JOINED:
        changed[name] = np.concatenate([getattr(one, name) for one in parts])
    for kind, fields in MONEY.items():
        records = [getattr(one, kind) for one in parts]
        scaled = [_in_proportion(each, fields, s) for each, s in zip(records, scales, strict=True)]
        changed[kind] = np.concatenate(scaled)
    changed["notes"] = tuple(dict.fromkeys(note for one in parts for note in one.notes))
    return replace(first, **changed)


def _scales(parts: Sequence[Evaluation]) -> list[float]:
    """Return by what each part is multiplied so that it begins with what the last one had."""
    scales, worth = [], parts[0].equity[0]
    for one in parts:
        scales.append(float(worth / one.equity[0]))
        worth = scales[-1] * one.equity[-1]
    return scales


def _after(values: Sequence[FloatArray]) -> FloatArray:
    """Return values at all marks; the mark at which two parts meet is that of the first."""
    later = [value[1:] for value in values[1:]]
    return np.concatenate([values[0], *later])


def _in_proportion(records: RecordArray, fields: Sequence[str], scale: float) -> RecordArray:
    scaled = records.copy()
    for name in fields:
        scaled[name] = records[name] * scale
    return scaled
