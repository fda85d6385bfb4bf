"""Venues by name, opened with what the environment and a market give."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benbot.envs.errors import BadConfig
from benbot.envs.market.selection import check_known
from benbot.paper.address import PAPER
from benbot.paper.replay import Playback
from benbot.paper.secrets import hide_in_logs
from benbot.paper.simulated import SimulatedAccount, SimulatedVenue
from benbot.paper.venue import Clock, Venue

PLAYED = ("simulated", "replay")  # both are the embedded broker
NAMES = (*PLAYED, "alpaca")
ALPACA_URL = "ALPACA_PAPER_URL"  # in the environment, for a local one; without it, Alpaca's


@dataclass(frozen=True)
class Surroundings:
    """What a venue is opened with; market, account and its file are for the embedded broker."""

    environment: Mapping[str, str]
    clock: Clock
    playback: Playback | None = None
    account: SimulatedAccount = field(default_factory=SimulatedAccount)
    path: Path | None = None


def open_venue(name: str, around: Surroundings) -> Venue:
    """Return the venue of this name; with keys, no handler of the log will write them."""
    check_known("venue", [name], NAMES)
    if name in PLAYED:
        if around.playback is None:
            raise BadConfig(f"the venue {name!r} needs a market that is played, there is none")
        return SimulatedVenue(around.playback, around.account, around.path)
    from benbot.paper.alpaca.keys import keys_from
    from benbot.paper.alpaca.venue import AlpacaVenue
    from benbot.paper.alpaca.wire import trading_wire

    keys = keys_from(around.environment)
    hide_in_logs((keys.key, keys.secret), logging.getLogger().handlers)
    url = around.environment.get(ALPACA_URL, PAPER)
    return AlpacaVenue(trading_wire(keys, url, around.clock))
