"""Venues are opened by name, and none of them trades real money."""

import builtins
import io
import logging
from collections.abc import Mapping
from types import ModuleType

import pytest

from benbot.envs.errors import BadConfig, NotAuthorised, UnknownName
from benbot.paper.replay import Playback
from benbot.paper.venues import NAMES, Surroundings, open_venue
from tests.paper.emulator.calendar import VirtualClock
from tests.paper.scenes import FREE, MINUTE, MONDAY, Emulated, buy, market_of, step_times

CLOCK = VirtualClock(MONDAY + MINUTE)
KEYS = {"APCA_API_KEY_ID": "PKEMULATED", "APCA_API_SECRET_KEY": "canary-secret-42"}


def around(environment: Mapping[str, str], clock: VirtualClock = CLOCK) -> Surroundings:
    playback = Playback(market_of(step_times(13)), FREE, clock)
    return Surroundings(environment, clock, playback)


@pytest.mark.parametrize("name", ["simulated", "replay"])
def test_the_embedded_broker_needs_no_keys(name: str) -> None:
    venue = open_venue(name, around({}))
    assert venue.submit(buy("b-1")).filled_units == 10.0
    venue.close()


def test_alpaca_is_opened_at_the_address_of_the_environment(alpaca: Emulated) -> None:
    environment = KEYS | {"ALPACA_PAPER_URL": alpaca.emulator.url}
    venue = open_venue("alpaca", around(environment, alpaca.clock))
    assert venue.account().equity == 100_000.0
    venue.close()


@pytest.mark.parametrize("url", ["", "https://api.alpaca.markets", "https://evil.example"])
def test_alpaca_is_opened_nowhere_else(alpaca: Emulated, url: str) -> None:
    with pytest.raises(BadConfig, match="the address must be"):
        open_venue("alpaca", around(KEYS | {"ALPACA_PAPER_URL": url}))
    assert alpaca.emulator.requests == []


def test_alpaca_is_not_opened_without_keys() -> None:
    with pytest.raises(NotAuthorised, match="APCA_API_KEY_ID must be set"):
        open_venue("alpaca", around({}))


def test_a_venue_that_does_not_exist_is_refused() -> None:
    assert NAMES == ("simulated", "replay", "alpaca")
    with pytest.raises(UnknownName, match="Did you mean alpaca"):
        open_venue("alpaka", around(KEYS))


def test_the_embedded_broker_needs_a_market() -> None:
    with pytest.raises(BadConfig, match="needs a market that is played"):
        open_venue("simulated", Surroundings({}, CLOCK))


def test_keys_of_an_open_venue_are_in_no_log(alpaca: Emulated) -> None:
    written = io.StringIO()
    handler, root = logging.StreamHandler(written), logging.getLogger()
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.DEBUG)
    try:
        environment = KEYS | {"ALPACA_PAPER_URL": alpaca.emulator.url}
        venue = open_venue("alpaca", around(environment, alpaca.clock))
        venue.account()
        logging.getLogger("any.library").warning("headers %s", KEYS)
        venue.close()
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
    assert "headers {'APCA_API_KEY_ID': '**********'" in written.getvalue()
    assert "GET /v2/account" in written.getvalue()
    for secret in KEYS.values():
        assert secret not in written.getvalue()


def test_without_its_package_alpaca_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def importing(name: str, *others: object) -> ModuleType:
        if name.startswith("alpaca."):
            raise ImportError("No module named 'alpaca'")
        return real(name, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", importing)
    with pytest.raises(BadConfig, match=r"Install benbot\[alpaca\], or use the simulated venue"):
        open_venue("alpaca", around(KEYS))
