"""What Alpaca says of shares, and whether an account can be traded there at all."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import BadConfig, VenueUnavailable
from benbot.envs.market.market import Market
from benbot.envs.market.news_features import NEWS_FEATURES
from benbot.paper.alpaca.wire import CallFailed, Wire

SHARE = re.compile(r"[A-Z]{1,5}(\.[A-Z]{1,2})?", re.ASCII)  # as Alpaca writes them
NOT_FOUND = 404
SHOWN = 5  # names in a message


@dataclass(frozen=True, slots=True)
class Asset:
    """A share; what is not said is not so."""

    symbol: str
    is_tradable: bool
    is_fractionable: bool
    is_lent: bool


def require_shares(market: Market) -> None:
    """Refuse a market that bars of shares cannot be."""
    odd = [symbol for symbol in market.symbols if not SHARE.fullmatch(symbol)]
    if odd:
        raise BadConfig(
            f"symbols at Alpaca must be US shares such as AAPL or BRK.B, was {_listed(odd)}. "
            "Crypto and options are not traded there by this program; leave them out"
        )
    others = sorted(set(market.features) - set(NEWS_FEATURES))
    if others:
        raise BadConfig(
            f"Alpaca tells prices, volumes and news alone, the market of the configuration has "
            f"{_listed(others)} too, which the policy was trained to see. Train it without"
        )


def read_assets(wire: Wire, symbols: Sequence[str]) -> list[Asset]:
    """Return what Alpaca says of each symbol; one call each. Raises `VenueUnavailable`."""
    return [_asset(wire, symbol) for symbol in symbols]


def require_tradable(assets: Sequence[Asset]) -> None:
    """Refuse shares that nobody can trade at Alpaca."""
    closed = [asset.symbol for asset in assets if not asset.is_tradable]
    if closed:
        raise BadConfig(
            f"every symbol must be tradable at Alpaca, {_listed(closed)} was not. Leave them "
            "out of the configuration"
        )


def borrow_rates(assets: Sequence[Asset]) -> FloatArray:
    """Return what it costs a year to borrow each, (S,): nothing, or inf where none is lent."""
    return np.where([asset.is_lent for asset in assets], 0.0, np.inf)


def _asset(wire: Wire, symbol: str) -> Asset:
    try:
        row = wire.call("get", f"/assets/{symbol}")
    except CallFailed as failure:
        if failure.status == NOT_FOUND and failure.is_json:
            return Asset(symbol, False, False, False)
        raise failure.as_unread() from failure
    if not isinstance(row, Mapping) or row.get("symbol") != symbol:
        raise VenueUnavailable(f"Alpaca's answer cannot be read: asked for the asset {symbol}")
    is_share = row.get("class", "us_equity") == "us_equity" and row.get("status") == "active"
    return Asset(
        symbol,
        is_tradable=is_share and row.get("tradable") is True,
        is_fractionable=row.get("fractionable") is True,
        is_lent=row.get("shortable") is True and row.get("easy_to_borrow") is True,
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"
