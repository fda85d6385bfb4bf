"""Quote sources by name."""

from collections.abc import Callable, Mapping

from benbot.envs.errors import BadConfig
from benbot.envs.market.selection import check_known
from benbot.paper.address import DATA, SANDBOX
from benbot.paper.quotes import QuoteSource
from benbot.paper.replay import Playback
from benbot.paper.secrets import secret_from
from benbot.paper.venue import Clock

PLAYED = ("simulated", "replay")  # both are the market that is played
NAMES = (*PLAYED, "alpaca", "tradier")
ALPACA_URL, TRADIER_URL = "ALPACA_DATA_URL", "TRADIER_URL"  # in the environment: local ones alone


def quote_source(
    name: str, playback: Playback | None, environment: Mapping[str, str], clock: Clock
) -> QuoteSource:
    """Return the source of this name; its keys, where it needs any, are in the environment."""
    check_known("quote source", [name], NAMES)
    if name in PLAYED:
        if playback is None:
            raise BadConfig(f"quotes of {name!r} need a market that is played, there is none")
        return playback
    make: Callable[[Mapping[str, str], Clock], QuoteSource] = {
        "alpaca": _alpaca,
        "tradier": _tradier,
    }[name]
    return make(environment, clock)


def _alpaca(environment: Mapping[str, str], clock: Clock) -> QuoteSource:
    from benbot.paper.alpaca.keys import keys_from
    from benbot.paper.alpaca.quotes import AlpacaQuotes
    from benbot.paper.alpaca.wire import data_wire

    url = environment.get(ALPACA_URL, DATA)
    return AlpacaQuotes(data_wire(keys_from(environment), url, clock))


def _tradier(environment: Mapping[str, str], clock: Clock) -> QuoteSource:
    from benbot.paper.tradier import TOKEN, TradierQuotes

    return TradierQuotes(secret_from(environment, TOKEN), environment.get(TRADIER_URL, SANDBOX))
