"""The laws of a population: causal, the same wherever it was ended, and within its means."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import BadRecord, RecordsHeld, RunMismatch
from benbot.envs.history import Span
from benbot.envs.market.market import Market
from benbot.evolution.orchestration.asking import Answer, Land, Wish
from benbot.evolution.orchestration.members import Member
from benbot.evolution.orchestration.orchestrator import Orchestrator
from benbot.strategies.records import Records
from benbot.strategies.tournament.settings import TournamentSettings
from benbot.strategies.tournament.stages import Stage
from tests.evolution.orchestration.fakes import (
    FIRST,
    SETTINGS,
    TOURNAMENT,
    FakeFollow,
    FakeSearch,
    by_chance,
    changed,
    content,
    found_by,
    lived,
    market_of,
    member,
    nothing,
    opened,
    world,
)

DAILY, HOURLY = market_of(), market_of(n_bars=250, bars_a_session=4, seed=1)
MARKETS = pytest.mark.parametrize("market", [DAILY, HOURLY], ids=["daily", "hourly"])


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch) -> FakeSearch:
    return found_by(FakeSearch(), monkeypatch)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a store has of the daily market when nobody ends the run."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        found_by(FakeSearch(), patch)
        return lived(world(folder), folder)


def kinds(told: dict[str, Any]) -> set[str]:
    return {event[1] for event in told["events"]}


def ended_after(n: int, orchestrator: Orchestrator, records: Records) -> bool:
    """Let a population live until something was written at so many looks; say if that was so."""
    for look in orchestrator.run(records):
        n -= records.state("orchestrator")["bar"] == look.bar
        if n == 0:
            return True
    return False


def session_of(market: Market, moment: Any) -> int:  # noqa: ANN401
    bar = np.searchsorted(market.timestamps, np.datetime64(moment.tz_localize(None)))
    return int(market.session[bar])


@MARKETS
@pytest.mark.usefixtures("search")
def test_a_prefix_of_the_market_gives_a_prefix_of_the_decisions(
    market: Market, tmp_path: Path
) -> None:
    through = world(tmp_path, market)
    whole = lived(through, tmp_path)["events"]
    assert {"stage", "registered", "regime", "breed"} <= {event[1] for event in whole}
    n_told = []
    for cut in (FIRST + 30, FIRST + 57, FIRST + 79):  # of four hours, the middles of sessions
        known = world(tmp_path, market.until(cut))
        part = lived(known, tmp_path, f"{cut}")["events"]
        end = market.timestamps[cut - 1]  # at the last close nobody is asked for any more
        before = [event for event in whole if event[0].to_datetime64() < end]
        assert [event for event in part if event[0].to_datetime64() < end] == before
        # Only at the end is a session told of which more bars may come.
        n_more = known.now.done - (through.watch.known < cut).sum()
        assert n_more == (0 if market is DAILY else 1)
        n_told.append(len(before))
    assert n_told[0] < n_told[1] < n_told[2]


@pytest.mark.usefixtures("search")
def test_another_future_changes_no_decision_of_before(
    whole: dict[str, Any], tmp_path: Path
) -> None:
    cut = FIRST + 60

    def other(one: Member, n: int) -> FloatArray:
        returns = by_chance(one, n)
        returns[cut - FIRST :] -= 0.03
        return returns

    told = lived(world(tmp_path, drawn=other), tmp_path, "other")["events"]
    last = DAILY.timestamps[cut]
    before = [event for event in whole["events"] if event[0].to_datetime64() <= last]
    assert [event for event in told if event[0].to_datetime64() <= last] == before
    assert told != whole["events"]


@MARKETS
@pytest.mark.parametrize("every", [1, 7])
def test_a_run_that_is_ended_at_any_look_goes_on_as_if_nothing_had_been(
    market: Market, every: int, search: FakeSearch, tmp_path: Path
) -> None:
    market = market.until(FIRST + 40) if every == 1 else market
    whole = lived(world(tmp_path, market), tmp_path)
    n_wishes, over = len(search.wishes), False
    while not over:
        with opened(f"sqlite:///{tmp_path}/parts.db") as records:
            over = not ended_after(every, world(tmp_path, market), records)
    with opened(f"sqlite:///{tmp_path}/parts.db") as records:
        assert content(records) == whole
    assert len(search.wishes) == 2 * n_wishes > 0  # no search was made twice


@pytest.mark.parametrize("same_object", [True, False])
def test_a_run_that_is_ended_in_a_search_makes_it_again(
    same_object: bool, whole: dict[str, Any], search: FakeSearch, tmp_path: Path
) -> None:
    n_searches = whole["state"]["asked"]
    assert n_searches > 2
    search.breaks_at = 1
    orchestrator = world(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        lived(orchestrator, tmp_path, "parts")
    orchestrator = orchestrator if same_object else world(tmp_path)
    assert lived(orchestrator, tmp_path, "parts") == whole
    assert [wish.number for wish in search.wishes] == [0, 1, *range(1, n_searches)]


def test_a_run_that_is_over_does_nothing_more(search: FakeSearch, tmp_path: Path) -> None:
    whole = lived(world(tmp_path), tmp_path)
    n_wishes = len(search.wishes)
    assert lived(world(tmp_path), tmp_path) == whole
    assert len(search.wishes) == n_wishes


@pytest.mark.parametrize("n_searches", [0, 1, 3])
def test_no_more_is_tried_than_may_be(n_searches: int, search: FakeSearch, tmp_path: Path) -> None:
    left_over = 7
    settings = changed(SETTINGS, evaluations=n_searches * (SETTINGS.price + left_over))
    orchestrator = world(tmp_path, settings=settings)
    told = lived(orchestrator, tmp_path)
    assert len(search.wishes) == n_searches  # all of it lies in 252 sessions
    assert orchestrator.now.budget.total == n_searches * SETTINGS.price
    refused = [event for event in told["events"] if event[1] == "breed refused"]
    assert refused
    assert refused[-1][3]["evaluations"] == n_searches * left_over


def test_a_regime_that_nobody_serves_asks_once_in_its_patience(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    search = found_by(FakeSearch(n_found=0), monkeypatch)
    settings = changed(SETTINGS, evaluations=10_000)
    for market in (DAILY, HOURLY):  # of four looks a session no more than one asks
        search.wishes.clear()
        told = lived(world(tmp_path, market, settings, nothing), tmp_path, f"{market.n_bars}")
        asked = defaultdict(list)
        for moment, kind, subject, reasons in told["events"]:
            if kind == "spawn":
                asked[subject].append(session_of(market, moment))
                assert reasons["sessions"] >= SETTINGS.least
                assert (reasons["best"], reasons["why"]) == ("nobody", "nobody")
        assert len(asked) > 1
        for sessions in asked.values():
            assert (np.diff(sessions) >= SETTINGS.patience).all()
        if market is DAILY:
            assert max(len(sessions) for sessions in asked.values()) > 1


def test_there_are_never_more_than_there_is_room_for(search: FakeSearch, tmp_path: Path) -> None:
    settings = changed(SETTINGS, population=4, evaluations=10_000)
    orchestrator = world(tmp_path, settings=settings)
    told = lived(orchestrator, tmp_path)
    refused = [event[3] for event in told["events"] if event[1].endswith("refused")]
    assert {reasons["places"] for reasons in refused} == {0}
    assert (orchestrator.tournament.stages >= Stage.WAITING).sum() <= 4
    assert len(search.wishes) == 1


def test_columns_rows_and_members_are_in_one_order(search: FakeSearch, tmp_path: Path) -> None:
    orchestrator = world(tmp_path)
    lived(orchestrator, tmp_path)
    names = orchestrator.population.names
    assert len(names) > 5
    assert orchestrator.tournament.ladder.names == names
    assert orchestrator.watch.n_members == len(names)
    n = orchestrator.watch.ends.size
    for at, one in enumerate(orchestrator.population):
        since = orchestrator.watch.ends > one.born
        expected = by_chance(one, n)[since]
        np.testing.assert_array_equal(orchestrator.watch.of(at, -1, n), expected)
    assert search.wishes[0].parents


def test_whoever_is_known_already_does_not_come_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Repeats(FakeSearch):
        def __call__(self, *asked: Any) -> Any:  # noqa: ANN401
            answer = super().__call__(*asked)
            again = (member(3), member(40), member(40), *answer.members)
            return type(answer)(again, answer.n_tried)

    found_by(Repeats(), monkeypatch)
    orchestrator = world(tmp_path)
    lived(orchestrator, tmp_path)
    names = orchestrator.population.names
    assert len(set(names)) == len(names)
    assert names[3] == "ma_40"
    assert names[4] not in ("ma_3", "ma_40")


@pytest.mark.usefixtures("search")
def test_whoever_earns_less_than_before_is_retired_and_the_others_are_not(tmp_path: Path) -> None:
    """In R3, which nobody leaves; of three one loses its edge after 50 sessions."""
    tree = TOURNAMENT.model_dump()
    tree["r3"] |= {"days": 10_000}
    worse = member(5).digest

    def drawn(one: Member, n: int) -> FloatArray:
        returns = by_chance(one, n) + 0.004
        returns[50:] -= 0.02 * (one.digest == worse)
        return returns

    settings = changed(SETTINGS, evaluations=0)
    tournament = TournamentSettings.model_validate(tree)
    orchestrator = world(tmp_path, settings=settings, drawn=drawn, tournament=tournament)
    told = lived(orchestrator, tmp_path)["events"]
    retired = [event for event in told if event[1] == "retire"]
    assert [event[2] for event in retired] == ["ma_5"]
    assert retired[0][3]["finding"].startswith("decay: ")
    assert orchestrator.tournament.stages.tolist() == [Stage.R3, Stage.RETIRED, Stage.R3]
    assert session_of(DAILY, retired[0][0]) - FIRST > 50


@pytest.mark.usefixtures("search")
def test_a_search_keeps_nobody_from_the_database(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whoever comes meanwhile is told who holds the lease, at once, and not that it is locked."""
    url, met = f"sqlite:///{tmp_path}/whole.db", []

    class Visited(FakeSearch):
        def __call__(self, wish: Wish, land: Land, *rest: Any) -> Answer:  # noqa: ANN401
            land.beat()
            with pytest.raises(RecordsHeld, match="if it was killed, say --take-over"):
                opened(url, patience=0.1)
            met.append(wish.number)
            return super().__call__(wish, land, *rest)

    found_by(Visited(), monkeypatch)
    lived(world(tmp_path, market_of(115)), tmp_path)
    assert met


def test_two_on_one_store_are_refused(tmp_path: Path) -> None:
    with opened(f"sqlite:///{tmp_path}/one.db") as records:
        looks = world(tmp_path).run(records)
        next(looks)
        with pytest.raises(RecordsHeld, match="one process at a time may write"):
            opened(f"sqlite:///{tmp_path}/one.db")
        with opened(f"sqlite:///{tmp_path}/one.db", takes_over=True) as other:
            next(world(tmp_path).run(other))
            with pytest.raises(RecordsHeld, match="Nothing was written"):
                list(looks)


@pytest.mark.usefixtures("search")
def test_a_store_of_later_times_is_refused(tmp_path: Path) -> None:
    with opened(f"sqlite:///{tmp_path}/one.db") as records:
        late = DAILY.timestamps[-1].astype("datetime64[us]").item()
        with records.change(late.replace(tzinfo=opened.__globals__["UTC"])) as change:
            change.event("note", "market", {})
        with pytest.raises(BadRecord, match="must not be before that of the last"):
            next(world(tmp_path).run(records))


@pytest.mark.usefixtures("search")
def test_a_run_goes_on_only_with_what_it_began_with(tmp_path: Path) -> None:
    orchestrator = world(tmp_path)
    lived(orchestrator, tmp_path)
    order = orchestrator.order
    other = type(order)(**{**vars(order), "identity": {"config": "another"}})
    follow = FakeFollow(order.land.market, order.span)
    with pytest.raises(RunMismatch, match="go on with the config that it began with, as it was"):
        lived(Orchestrator(other, follow, orchestrator.catalogue), tmp_path)


@pytest.mark.usefixtures("search")
def test_the_last_session_of_several_bars_is_told_at_the_end(tmp_path: Path) -> None:
    market, full = market_of(172, bars_a_session=4), changed(SETTINGS, population=3)
    end = 168  # behind the last bar of a session
    ended = world(tmp_path, market.until(end), full)
    told = lived(ended, tmp_path, "ended")
    assert ended.now.done == ended.watch.ends.size == 21
    assert told["days"].count(str(market.days[end - 1])) == 3
    with opened(f"sqlite:///{tmp_path}/longer.db") as records:
        longer = world(tmp_path, market, full)
        bars = (look.bar for look in longer.run(records) if longer.now.done == 21)
        assert next(bars) == end  # the first of the next session
        assert longer.tournament.state() == ended.tournament.state()


def test_a_stretch_of_one_session_is_told(tmp_path: Path) -> None:
    orchestrator = world(tmp_path, DAILY.until(FIRST + 2))
    assert orchestrator.order.span == Span(FIRST, FIRST + 1)
    told = lived(orchestrator, tmp_path)
    assert orchestrator.now.done == 1
    assert kinds(told) <= {"registered", "stage", "regime"}
    assert told["days"].count("\n") == 1 + 3
