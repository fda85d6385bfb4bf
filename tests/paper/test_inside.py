"""Inside a bar exits act on what is seen; stops follow the price only when the bar is over."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from benbot.envs.desk.reasons import Exit
from benbot.envs.desk.tape import BAR
from benbot.envs.observation import Features
from benbot.paper.bar_replay import BarFeed, ticks
from benbot.paper.desk import Answer, PaperDesk
from benbot.paper.reel import Opening
from benbot.paper.replay import Playback
from benbot.paper.replayed import opened, replay
from benbot.paper.standing import Phase
from tests.envs.desk.conftest import Trial
from tests.paper.replays import everything, heard_stretch

NOTHING_TO_SEE = Features(np.zeros((9, 1), np.float32), np.zeros((9, 1), np.float32))


def holding() -> tuple[PaperDesk, Trial]:
    """Return a desk that bought one symbol at 100 at the opening of bar 1, and its bars."""
    trial = Trial(6)
    trial.want(0)
    trial.weigh(1.0)
    trial.run()
    desk = PaperDesk(trial.rules, 1, 1)
    for own, other in zip(desk.book, trial.desk.book, strict=True):
        own[...] = other
    desk.show(trial.desk.tape, NOTHING_TO_SEE)
    assert desk.positions["stop"].tolist() == [87.5]
    return desk, trial


def test_a_stop_follows_the_best_price_of_all_looks_when_the_bar_is_over() -> None:
    desk, trial = holding()
    trial.shape(2, high=120.0)
    assert desk.trade_inside(2, (), is_last=False).is_over
    assert desk.positions["stop"].tolist() == [87.5]
    assert desk.positions["best"].tolist() == [120.0]
    trial.shape(2, high=104.0, close=104.0)
    assert desk.trade_inside(2, (), is_last=True).is_over
    assert desk.positions["stop"].tolist() == [120.0 - 1.5 * 12.5]


def test_an_order_without_an_answer_changes_nothing() -> None:
    desk, trial = holding()
    trial.shape(2, low=80.0)
    before = desk.image()
    traded = desk.trade_inside(2, (), is_last=True)
    assert not traded.is_over
    assert traded.next is not None
    assert (traded.next["reason"], traded.next["price"]) == (Exit.STOP, 87.5)
    assert desk.image() == before


@pytest.mark.parametrize(("share", "left"), [(1.0, 0.0), (0.25, 0.75), (0.0, 1.0)])
def test_what_the_venue_filled_is_booked_at_its_price(share: float, left: float) -> None:
    desk, trial = holding()
    trial.shape(2, low=80.0)
    held, cash = float(desk.positions["units"][0]), float(desk.account["cash"])
    answer = Answer(0, Exit.STOP, -held, -held * share, 86.0, 3.0 if share else 0.0)
    traded = desk.trade_inside(2, (answer,), is_last=True)
    assert traded.is_over
    assert float(desk.positions["units"].sum()) == held * left
    paid = held * share * 86.0 - (3.0 if share else 0.0)
    assert float(desk.account["cash"]) == pytest.approx(cash + paid)


def test_an_answer_to_another_order_is_refused() -> None:
    desk, trial = holding()
    trial.shape(2, low=80.0)
    with pytest.raises(ValueError, match="order 0 of a stage must be the one that was sent"):
        desk.trade_inside(2, (Answer(0, Exit.TARGET, -1.0, -1.0, 90.0, 0.0),), is_last=True)
    trial.shape(2, low=99.0)
    with pytest.raises(ValueError, match="must ask for the 1 orders that were sent, asked for 0"):
        desk.trade_inside(2, (Answer(0, Exit.STOP, -1.0, -1.0, 90.0, 0.0),), is_last=True)


class Watching(BarFeed):
    """Shows all of a bar's range once, half way through it."""

    def __init__(self, playback: Playback) -> None:
        super().__init__(playback)
        self._shown = -1

    def seen(self, t: int) -> Opening | None:
        begun = self._playback.hours.time_of(2 * t)
        if t == self._shown or self._playback.now() < begun + HALF:
            return None
        self._shown = t
        return Opening(self._playback.bars[t].copy(), self._actions(t), 0)

    def ending(self, t: int) -> Opening | None:
        whole = super().ending(t)
        if whole is None:
            return None
        rest = np.zeros(whole.bars.size, BAR)  # nothing is left but the close
        for name in BAR.names or ():
            rest[name] = whole.bars["close" if name in ("open", "high", "low") else name]
        return replace(whole, bars=rest)


HALF = timedelta(hours=3)


def test_who_has_to_leave_inside_a_bar_leaves_once(folder: Path) -> None:
    stretch, _ = heard_stretch()
    replay(stretch, folder / "whole")
    stops = everything(stretch, folder / "whole")["intents"].query("reason == 'STOP'")
    watched = replace(stretch, feed=Watching, conditions=False)
    with opened(watched, folder / "seen") as on:
        for i, tick in enumerate(ticks(on.playback.hours, stretch.span)):
            on.clock.move(tick)
            on.loop.cycle()
            if i % 3 == 0:
                on.clock.move(tick + HALF)
                on.loop.cycle()
                assert on.loop.trader.standing.phase is Phase.INSIDE
    tables = everything(watched, folder / "seen")
    inside = tables["intents"].query("stage == 1 and reason == 'STOP'")
    assert len(inside) >= len(stops) > 0
    assert set(inside["status"]) == {"done"}
    first, own = stops.iloc[0], tables["intents"]
    again = own[(own["bar"] == first["bar"]) & (own["symbol"] == first["symbol"])]
    assert again[again["stage"] > 0]["reason"].tolist() == ["STOP"]
