"""Tells people what an account does, if the environment says whom; the loop never waits for it.

    with notifying(Told(url, "main", folder, clock), os.environ, time.monotonic) as notifier:
        loop.run(notifier.after_cycle)

What is told is read from the store, so a process that starts again goes on where it was.
"""

import logging
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benbot.envs.desk.reasons import Breaker
from benbot.envs.errors import BadConfig
from benbot.paper.autoloop import Cycle, Status
from benbot.paper.notify.ages import Times
from benbot.paper.notify.destination import Destination, destinations_of
from benbot.paper.notify.gathering import gathered
from benbot.paper.notify.message import Editor
from benbot.paper.notify.news import Kind, News
from benbot.paper.notify.pace import Bucket, Manner
from benbot.paper.notify.sending import Courier, Sending
from benbot.paper.notify.teller import Teller, Work
from benbot.paper.secrets import Redaction, hide_in_logs, secrets_in
from benbot.paper.venue import Clock

KINDS, PACE = "BENBOT_NOTIFY", "BENBOT_NOTIFY_PER_MINUTE"
FAREWELL = 3.0  # seconds that the end of the loop waits for the last messages of all
UNHEALTHY = 2  # cycles in a row that are blocked before anybody is told: one may be a hiccup
BREAKERS = frozenset(one.name for one in Breaker)


@dataclass(frozen=True)
class Told:
    """The account that is told of.

    url      of its store
    folder   where is kept how far was told
    clock    that of the store
    rest     seconds between two looks into it
    machine  this machine's clock, where the market has a time of its own; None: `clock` is it
    speed    how many times as fast as ours that time runs
    """

    url: str
    account: str
    folder: Path
    clock: Clock
    rest: float = 1.0
    machine: Clock | None = None
    speed: float = 1.0

    @property
    def times(self) -> Times:
        """The clocks of what is told."""
        return Times(self.clock, self.machine, self.speed)


class Notifier:
    """Everybody who is told; nobody is fine."""

    def __init__(self, told: Told, tellers: tuple[Teller, ...]) -> None:
        self._told, self._tellers = told, tellers
        self._n_unhealthy = 0

    def after_cycle(self, cycle: Cycle) -> None:
        """Let everybody look for what is new; returns at once."""
        self._note_health(cycle)
        breaker = cycle.why if cycle.why in BREAKERS else ""
        for teller in self._tellers:
            teller.wake(breaker)

    def faults(self) -> dict[str, str]:
        """Return to whom nothing comes through any more, and why."""
        return {teller.name: teller.fault for teller in self._tellers if teller.fault}

    def say(self, kind: Kind, text: str) -> None:
        """Tell a line that is not in the store; returns at once."""
        for teller in self._tellers:
            teller.say(News(kind, self._told.times.now(), text))

    def _note_health(self, cycle: Cycle) -> None:
        """Say when nothing can be entered any more, and when it can again; no store has that."""
        before = self._n_unhealthy
        self._n_unhealthy = before + 1 if Status.HEALTH in cycle.statuses else 0
        if self._n_unhealthy == UNHEALTHY:
            self.say(Kind.ALARM, f"nothing is entered, {cycle.why}")
        elif before >= UNHEALTHY and not self._n_unhealthy:
            self.say(Kind.ALARM, f"cycles go on after {before} that were blocked")

    def start(self) -> None:
        """Begin, and say so."""
        for teller in self._tellers:
            teller.start()
        self.say(Kind.RUN, f"the account is traded from now on, at {socket.gethostname()}")

    def close(self, why: str) -> None:
        """End, and say why; waits a moment for that."""
        self.say(Kind.RUN, f"the account is not traded any more: {why}")
        for teller in self._tellers:
            teller.end()
        for teller in self._tellers:
            teller.wait(FAREWELL / len(self._tellers))


@contextmanager
def notifying(
    told: Told,
    environment: Mapping[str, str],
    elapsed: Callable[[], float],
    sending: Callable[[Destination], Sending] = Courier,
) -> Iterator[Notifier]:
    """Tell what happens within the block; `elapsed` gives seconds that only grow."""
    notifier = Notifier(told, tuple(_tellers(told, environment, elapsed, sending)))
    notifier.start()
    why = "the loop has ended"
    try:
        yield notifier
    except BaseException as error:
        why = f"{type(error).__name__} ended the loop"
        raise
    finally:
        notifier.close(why)


def kinds_of(environment: Mapping[str, str]) -> frozenset[Kind]:
    """Return the kinds that the environment names, by commas; all where it names none."""
    named = [name.strip() for name in environment.get(KINDS, "").split(",") if name.strip()]
    unknown = [name for name in named if name not in set(Kind)]
    if unknown:
        raise BadConfig(
            f"{KINDS} must name kinds of {', '.join(Kind)}, by commas, was {unknown[0]!r}"
        )
    return frozenset(map(Kind, named)) or frozenset(Kind)


def manner_of(environment: Mapping[str, str]) -> Manner:
    """Return how often may be told."""
    text = environment.get(PACE, "").strip()
    if not text:
        return Manner()
    try:
        per_minute = float(text)
    except ValueError:
        raise BadConfig(f"{PACE} must be a number of messages, was {text!r}") from None
    return Manner(per_minute=per_minute)


def _tellers(
    told: Told,
    environment: Mapping[str, str],
    elapsed: Callable[[], float],
    sending: Callable[[Destination], Sending],
) -> Iterator[Teller]:
    destinations = destinations_of(environment)
    secrets = [*secrets_in(environment), *(one for to in destinations for one in to.secrets)]
    hide_in_logs(secrets, logging.getLogger().handlers)
    editor = Editor(told.account, kinds_of(environment), Redaction(secrets).hidden)
    for to in destinations:
        yield Teller(
            Work(
                name=str(to),
                look=partial(gathered, told.url, told.account),
                editor=editor,
                sending=sending(to),
                bucket=Bucket(manner_of(environment), elapsed),
                times=told.times,
                cursor=told.folder / f"told.{told.account}.{to.format}.json",
                rest=told.rest,
            )
        )
