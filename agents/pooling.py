"""Accounts that traded side by side, told as one in which each had an equal part."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benbot.agents.evaluation import Evaluation
from benbot.agents.succession import MONEY
from benbot.envs.arrays import FloatArray, RecordArray
from benbot.envs.errors import InvalidParameter


def pooled(parts: Sequence[Evaluation], name: str) -> Evaluation:
    """Return one account that gave each part an equal share at the start and then let it be.

    It has the capital of one of them. Weights, exposure and turnover are means by what each part is
    worth; records are those of all, their money and their fractions in proportion; breakers are
    those of the first.
    """
    if not parts or any(not np.array_equal(one.bars, parts[0].bars) for one in parts):
        raise InvalidParameter(
            f"accounts that are told as one need the same bars, was {len(parts)} accounts"
            f"{' over different bars' if parts else ''}"
        )
    first, n = parts[0], len(parts)
    worth = np.array([one.equity * first.equity[0] / one.equity[0] / n for one in parts])
    equity = worth.sum(axis=0)
    share = np.divide(worth, equity, out=np.full_like(worth, 1.0 / n), where=equity > 0.0)
    changed: dict[str, Any] = {
        "weights": np.einsum("pn,pnk->nk", share[:, :-1], [one.weights for one in parts]),
        "exposure": np.einsum("pn,pn->n", share, [one.exposure for one in parts]),
        "turnover": np.einsum("pn,pn->n", share[:, :-1], [one.turnover for one in parts]),
    }
    scales = [first.equity[:1] / one.equity[:1] / n for one in parts]
    for kind, fields in MONEY.items():
        changed[kind] = _together(parts, kind, fields, scales)
    for kind, fields in {"decisions": ("wanted", "allowed"), "holdings": ("worth",)}.items():
        shares = [
            own[getattr(one, kind)["bar"] - first.bars[0]]
            for own, one in zip(share, parts, strict=True)
        ]
        changed[kind] = _together(parts, kind, fields, shares)
    notes = tuple(dict.fromkeys(note for one in parts for note in one.notes))
    return replace(first, name=name, equity=equity, notes=notes, **changed)


def _together(
    parts: Sequence[Evaluation], kind: str, fields: Sequence[str], scales: Sequence[FloatArray]
) -> RecordArray:
    """Return the records of all parts, the fields named in proportion."""
    scaled = []
    for one, scale in zip(parts, scales, strict=True):
        records = getattr(one, kind).copy()
        for field in fields:
            records[field] = records[field] * scale
        scaled.append(records)
    return np.concatenate(scaled)
