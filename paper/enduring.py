"""A loop that outlives its database: it ends with the connection, and begins again where it stands.

A transaction that was cut off is undone by the database. Of one whose commit was cut off nobody
knows; whoever begins again reads what is there and goes on from that, so nobody has to know.
"""

from collections.abc import Callable

from benbot.envs.errors import RecordsUnavailable

FIRST, LONGEST = 1.0, 30.0  # seconds until the next attempt: the first, doubled up to the last


def enduring(
    work: Callable[[], None],
    elapsed: Callable[[], float],
    pause: Callable[[float], None],
    report: Callable[[RecordsUnavailable, float], None] = lambda error, seconds: None,
    is_over: Callable[[], bool] = lambda: False,
) -> None:
    """Do work that goes on where it stands, again whenever its store was lost.

    `report` is told why, and in how many seconds it begins again. A store that is damaged, another
    account's or another's to write ends it: that does not get better by waiting.
    """
    seconds = FIRST
    while True:
        began = elapsed()
        try:
            work()
        except RecordsUnavailable as error:
            if is_over():
                raise
            if elapsed() - began > LONGEST:  # it had gone well for a while
                seconds = FIRST
            report(error, seconds)
            pause(seconds)
            seconds = min(2.0 * seconds, LONGEST)
        else:
            return
