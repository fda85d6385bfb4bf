"""While the kill switch is on a stop that is reached is not meant anew in every cycle."""

from dataclasses import replace
from pathlib import Path

from benbot.paper.live import Timing
from benbot.paper.store import set_switch
from tests.paper.live_accounts import Hands, account_in, run_cycles, tables_of

PER_BAR = 12  # cycles


def test_what_is_seen_while_halted_is_not_dropped_again_and_again(folder: Path) -> None:
    one = replace(account_in(folder), timing=Timing(60.0, 60.0 / PER_BAR))
    hands = Hands()
    run_cycles(one, hands, 12 * PER_BAR)
    assert len(tables_of(one, folder)["positions"])
    set_switch(one.url, one.account, hands.now, "test", is_halted=True)
    run_cycles(one, hands, 4 * PER_BAR)
    intents = tables_of(one, folder)["intents"]
    halted = intents[intents["note"] == "halted"]
    assert {"STOP", "REVERSAL"} <= set(halted["reason"])  # at the end of its bar, and at the next
    assert halted.groupby(["bar", "symbol"]).size().max() <= 2
