"""Whoever attends a loop: the log of its cycles, and those who are told; it waits for neither.

with attended(Told(url, "main", folder, clock), os.environ, time.monotonic) as attendant:
    loop.run(attendant.after_cycle)
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from benbot.paper.autoloop import Cycle
from benbot.paper.log import logging_to
from benbot.paper.notify.notifier import Notifier, Told, notifying

LOGGER = logging.getLogger(__name__)
NOTIFY = "notify"  # how the subject of an alarm begins


Alarm = Callable[[str, str], None]  # raises one, of a subject and why


@dataclass(frozen=True, eq=False)
class Attendant:
    """Writes each cycle down, and wakes those who tell; whom nothing reaches is an alarm, once."""

    notifier: Notifier
    alarm: Alarm
    _told: dict[str, str] = field(default_factory=dict)

    def after_cycle(self, cycle: Cycle) -> None:
        """Note what became of a cycle; returns at once."""
        LOGGER.info("%s", cycle)
        self.notifier.after_cycle(cycle)
        faults = self.notifier.faults()
        for name, why in faults.items():
            if name not in self._told:
                self.alarm(f"{NOTIFY} {name}", why)
        self._told.clear()
        self._told.update(faults)


def _unheard(subject: str, why: str) -> None:
    LOGGER.error("%s: %s", subject, why)


@contextmanager
def attended(
    told: Told,
    environment: Mapping[str, str],
    elapsed: Callable[[], float],
    alarm: Alarm = _unheard,
) -> Iterator[Attendant]:
    """Attend a loop that runs within the block; `elapsed` gives seconds that only grow."""
    with logging_to(told.folder, told.account, environment) as path:
        LOGGER.info("the account %s is traded, this is %s", told.account, path.name)
        try:
            with notifying(told, environment, elapsed) as notifier:
                yield Attendant(notifier, alarm)
        except BaseException:
            LOGGER.exception("the loop has ended")
            raise
        LOGGER.info("the loop has ended")
