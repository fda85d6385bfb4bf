"""Digests of the parts of a market, by which it can be said where two of them differ."""

import hashlib
from collections.abc import Mapping
from dataclasses import fields

import numpy as np

from benbot.envs.market.market import Market

DATA_FILE = "data.json"
Digests = dict[str, dict[str, str]]  # of "symbols" by ticker, and of "years" by year
NAMED = 5  # of those that differ


def digests_of(market: Market) -> Digests:
    """Return a digest for each symbol over all bars, and for each year over all symbols."""
    years = market.days.astype("datetime64[Y]")
    parts = {}
    for year in np.unique(years):
        inside = np.flatnonzero(years == year)
        parts[str(year)] = market.between(int(inside[0]), int(inside[-1]) + 1).digest
    symbols = {name: _of_symbol(market, s) for s, name in enumerate(market.symbols)}
    return {"symbols": symbols, "years": parts}


def where_they_differ(then: Mapping[str, Mapping[str, str]], now: Digests) -> str:
    """Return in a few words which symbols and years differ; nothing if none does."""
    parts = []
    for kind in ("symbols", "years"):
        before, after = then.get(kind, {}), now[kind]
        odd = sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k))
        if odd:
            more = f" and {len(odd) - NAMED} more" if len(odd) > NAMED else ""
            parts.append(f"{kind} {', '.join(odd[:NAMED])}{more}")
    return "; ".join(parts)


def _of_symbol(market: Market, s: int) -> str:
    sha = hashlib.sha256(market.sectors[s].encode())
    facts = {each.name: getattr(market, each.name) for each in fields(market)}
    for name, fact in (facts | dict(market.features)).items():
        if isinstance(fact, np.ndarray) and fact.ndim == 2:
            sha.update(name.encode() + b"\0" + np.ascontiguousarray(fact[:, s]).tobytes())
    return sha.hexdigest()[:16]
