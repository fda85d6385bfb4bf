"""An account with the history that it trades on, whether that was prepared or has gone on since."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from benbot.agents.policy import Policy
from benbot.envs.errors import RunMismatch, TrackingUnavailable, UnknownName
from benbot.envs.history import History, prepare
from benbot.envs.market.market import Market
from benbot.experiments.paper.daily_log import Followed, Home, after_session, read_rows
from benbot.experiments.paper.live import Place, undertaking_of
from benbot.experiments.paper.subject import Asked, subject_of
from benbot.experiments.tracking.registry import find_version, is_registered
from benbot.experiments.tracking.tracker import TrackingSettings, find_run, open_tracker
from benbot.experiments.training.bundles import run_folder
from benbot.experiments.training.preparation import Prepared
from benbot.paper.autoloop import AutoLoop
from benbot.paper.daily import training_of
from benbot.paper.drawn import DrawnMarket, market_drawn
from benbot.paper.live import BEGUN, Timing, Undertaking
from benbot.paper.live_bars import LiveBars
from benbot.paper.setting import require_same
from benbot.paper.store import PaperStore
from benbot.paper.venue import Venue
from benbot.strategies.catalogue import StrategyChoice
from benbot.strategies.tournament.binding import bound

SEED = re.compile(r", drawn on from seed (?P<seed>[0-9]+)")
OF_TIME = (BEGUN, "pace")  # entries of an identity that say when and how fast, and not what


@dataclass(frozen=True)
class Question:
    """What is asked of the reports of an account.

    day     one of them in full; None: the last ones in a line each
    again   make all of them anew
    records store of records into which round trips are written, too
    """

    url: str
    account: str
    day: str | None = None
    again: bool = False
    tracks: bool = True
    records: str | None = None


@contextmanager
def followed(
    asked: Asked, question: Question
) -> Iterator[tuple[Followed, Sequence[StrategyChoice]]]:
    """Prepare an account of the store; one of another policy or another market is refused."""
    rows = read_rows(question.url, question.account)
    who = (question.url, question.account)
    identity, text = json.loads(rows.account["identity"]), rows.account["identity"]
    if BEGUN not in identity:
        with subject_of(asked) as subject:
            require_same(text, dict(subject.stretch.identity))
            stretch, prepared = subject.stretch, subject.prepared
            home = home_of(prepared, asked) if question.tracks else None
            made = _followed(who, prepared, (stretch.history, stretch.policy), home)
            yield made, prepared.config.strategies
        return
    place = Place(question.account, Path(), question.url, _seed_of(identity), Timing())
    with undertaking_of(asked, place) as (chosen, one):
        known = {name: identity[name] for name in OF_TIME if name in identity}
        market = market_drawn(one.history, one.seed)
        require_same(text, dict(one.identity) | known | {"market": market})
        history = history_of(one, drawn_until(one, rows.last_closed))
        home = home_of(chosen.prepared, asked) if question.tracks else None
        made = _followed(who, chosen.prepared, (history, one.policy), home)
        yield made, chosen.prepared.config.strategies


def history_of(one: Undertaking, market: Market) -> History:
    """Return the history of an account in a market that has come so far, as it was traded on."""
    heard = prepare(market, one.hear(market), one.rules, one.regime)
    return bound(heard, one.tournament)


def drawn_until(one: Undertaking, last: int) -> Market:
    """Return a market that goes on, up to its bar `last`."""
    drawn = DrawnMarket(one.history, one.calendar, one.seed)
    drawn.reach(last + 1)
    return drawn.market.until(last + 1)


def home_of(prepared: Prepared, asked: Asked) -> Home:
    """Return where an account is tracked: where its policy's run is, or where its config says."""
    settings = prepared.config.tracking
    if is_registered(asked.source):
        uri = asked.store or TrackingSettings().uri
        origin = find_version(asked.source, uri).run_id or ""
        return Home(uri, find_run(uri, origin).experiment_id, origin)
    uri = asked.store or settings.uri
    try:
        origin = run_folder(asked.source, asked.runs).name
        return Home(uri, find_run(uri, origin).experiment_id, origin)
    except UnknownName:  # a baseline, or a bundle whose run nobody tracked
        tracker = open_tracker(settings.model_copy(update={"uri": uri}))
        return Home(uri, tracker.experiment_id)


class OpenAccount(Protocol):
    """An account that is open to be traded, whatever its market is."""

    @property
    def loop(self) -> AutoLoop:
        """Its loop."""

    @property
    def store(self) -> PaperStore:
        """Where it is kept."""

    @property
    def venue(self) -> Venue:
        """Who fills its orders."""

    @property
    def bars(self) -> LiveBars:
        """Whoever knows the bars of its market."""


class Reporter:
    """Reports the days of an account while it is traded: ask it after every cycle."""

    def __init__(self, asked: Asked, prepared: Prepared, one: Undertaking) -> None:
        self._asked, self._prepared, self._one = asked, prepared, one
        self._seen: int | None = None

    def look(self, on: OpenAccount, now: datetime) -> list[str]:
        """Report what is over if a session has just closed, and return what to say of it.

        Where nobody can say where it is tracked it is kept all the same, and tracked another day.
        """
        # A cycle may close one bar and open the next, and after a pause it closes several.
        bar = on.loop.trader.standing.bar
        since = bar if self._seen is None else self._seen + 1
        self._seen = bar
        if not any(_ends_session(on.bars, t) for t in range(since, bar + 1)):
            return []
        said = []
        try:
            home = home_of(self._prepared, self._asked)
        except (TrackingUnavailable, UnknownName) as error:
            home, said = None, [f"not tracked: {error}"]
        who, market = (self._one.url, self._one.account), on.bars.until(bar + 1)
        history = (history_of(self._one, market), self._one.policy)
        return [*after_session(_followed(who, self._prepared, history, home), now), *said]


def _ends_session(bars: LiveBars, t: int) -> bool:
    return bars.opening(t + 1).session != bars.opening(t).session


def _followed(
    who: tuple[str, str], prepared: Prepared, made_of: tuple[History, Policy], home: Home | None
) -> Followed:
    """Return the account (store, name) with (history, policy)."""
    fit, (history, policy) = prepared.spans["fit"], made_of
    return Followed(
        url=who[0],
        account=who[1],
        history=history,
        policy=policy,
        environment=prepared.config.environment,
        training=training_of(prepared.history, fit.first, fit.last),
        home=home,
    )


def _seed_of(identity: dict[str, object]) -> int:
    found = SEED.search(str(identity.get("market", "")))
    if found is None:
        raise RunMismatch(
            "a market that goes on must say from which seed it is drawn, was "
            f"{identity.get('market')!r}. The account was begun by another version"
        )
    return int(found["seed"])
