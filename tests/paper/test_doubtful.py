"""An exit that was decided at a close may use a price that is doubtful; an entry never does."""

from dataclasses import replace
from pathlib import Path

from benbot.paper.bar_replay import BarFeed
from benbot.paper.reel import Opening
from benbot.paper.replay import Playback
from benbot.paper.replayed import Stretch
from benbot.paper.standing import facts_of, opening_from
from tests.paper.replays import heard_stretch
from tests.paper.walks import N_BARS, is_exit, walking


class Doubting(BarFeed):
    """Knows every opening price, and believes none."""

    def opening(self, t: int) -> Opening | None:
        opening = super().opening(t)
        if opening is None or t < self.since:
            return opening
        return replace(opening, doubtful=tuple(range(opening.bars.size)))

    since = 0


def doubting(since: int) -> Stretch:
    def feed(playback: Playback) -> Doubting:
        one = Doubting(playback)
        one.since = since
        return one

    return replace(heard_stretch()[0], feed=feed)


def test_exits_of_an_opening_use_a_doubtful_price_and_entries_do_not(folder: Path) -> None:
    first = heard_stretch()[0].span.first + N_BARS + 1
    with walking(folder, doubting(first)) as walk:
        walk.bars(N_BARS)
        assert not all(is_exit(one) for one in walk.venue.sent)
        walk.venue.sent.clear()
        walk.bars(6)
    with walking(folder, doubting(first)) as again:  # nor after a restart
        again.bars(6)
        sent = walk.venue.sent + again.venue.sent
        assert {is_exit(one) for one in sent} == {True}
        stages = again.table("intents").query(f"bar >= {first}")["stage"]
        assert 0 in set(stages)  # of openings, not only of what was seen inside bars
        verdicts = set(again.table("verdicts").query(f"bar >= {first}")["verdict"])
        assert "SYMBOL_HALTED" in verdicts
        assert not verdicts & {"PASSED", "CLIPPED"}


def test_what_is_doubtful_is_kept_with_the_stage() -> None:
    history = heard_stretch()[0].history
    bars, actions = history.tape.bars[3].copy(), history.tape.actions[3].copy()
    opening = Opening(bars, actions, 7, (1, 4))
    known = opening_from(facts_of(opening), bars.size)
    assert (known.session, known.doubtful) == (7, (1, 4))
