"""Whoever attends a loop: the log of its cycles, and those who are told; it waits for neither.

with attended(Told(url, "main", folder, clock), os.environ, time.monotonic) as attendant:
    loop.run(attendant.after_cycle)
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from benbot.paper.autoloop import Cycle
from benbot.paper.log import logging_to
from benbot.paper.notify.notifier import Notifier, Told, notifying

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Attendant:
    """Writes each cycle down, and wakes those who tell."""

    notifier: Notifier

    def after_cycle(self, cycle: Cycle) -> None:
        """Note what became of a cycle; returns at once."""
        LOGGER.info("%s", cycle)
        self.notifier.after_cycle(cycle)


@contextmanager
def attended(
    told: Told, environment: Mapping[str, str], elapsed: Callable[[], float]
) -> Iterator[Attendant]:
    """Attend a loop that runs within the block; `elapsed` gives seconds that only grow."""
    with logging_to(told.folder, told.account, environment) as path:
        LOGGER.info("the account %s is traded, this is %s", told.account, path.name)
        try:
            with notifying(told, environment, elapsed) as notifier:
                yield Attendant(notifier)
        except BaseException:
            LOGGER.exception("the loop has ended")
            raise
        LOGGER.info("the loop has ended")
