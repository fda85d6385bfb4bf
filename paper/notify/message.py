"""What one message says: the most urgent lines, and how many were left out and why."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from benbot.paper.notify.cursor import Cursor
from benbot.paper.notify.news import RANK, URGENT, Kind, News, plain

MOST_LINES = 20
MOST_CHARACTERS = 1700  # of all lines together, as UTF-16 counts them: Discord takes 2,000
HOUR = (
    3600.0  # seconds in which a text is told once, and after which news that age are only counted
)
DIGEST = 16  # hexadecimal digits by which a text is remembered


@dataclass(frozen=True)
class Message:
    """What is sent at once.

    lines     in the order in which it happened
    left_out  by kind: for want of room
    stale     by kind: more than an hour old
    repeats   told within the hour before
    """

    account: str
    moment: datetime
    lines: tuple[News, ...]
    left_out: Mapping[Kind, int]
    stale: Mapping[Kind, int]
    repeats: int = 0

    def __bool__(self) -> bool:
        """Whether there is anything to read: counts alone wait for the next lines."""
        return bool(self.lines)

    @property
    def is_urgent(self) -> bool:
        """Whether it may take what the pace keeps."""
        return any(one.kind in URGENT for one in self.lines)

    @property
    def title(self) -> str:
        """What stands above the lines; nothing of it comes from elsewhere."""
        urgent = [one.kind.upper() for one in self.lines if one.kind in URGENT]
        return f"BenBot {self.account}{': ' if urgent else ''}{', '.join(dict.fromkeys(urgent))}"

    @property
    def counts(self) -> str:
        """What was not told one by one, in words; nothing where all was."""
        parts = [
            _counted("left out", self.left_out),
            _counted("more than an hour old", self.stale),
            f"{self.repeats} times what was told within the hour" if self.repeats else "",
        ]
        return "; ".join(part for part in parts if part)


@dataclass(frozen=True)
class Editor:
    """Whoever chooses what is told.

    kinds    that are told
    hidden   puts stars in place of secrets
    """

    account: str
    kinds: frozenset[Kind]
    hidden: Callable[[str], str]

    def message(
        self, news: Iterable[News], cursor: Cursor, now: datetime
    ) -> tuple[Message, Cursor]:
        """Return the message of some news, empty where there is none, and the cursor after it.

        `now` is of this machine.
        """
        wanted = [
            replace(one, text=plain(self.hidden(one.text)))
            for one in news
            if one.kind in self.kinds
        ]
        fresh = [one for one in wanted if not (one.ages and one.age > HOUR)]
        stale = Counter(one.kind for one in wanted) - Counter(one.kind for one in fresh)
        stale.update({Kind(name): n for name, n in cursor.stale.items()})
        new, recent, n_repeats = _new(fresh, cursor.recent, now.timestamp())
        repeats = cursor.repeats + n_repeats
        lines = _fitting(new)
        left_out = Counter(one.kind for one in new) - Counter(one.kind for one in lines)
        message = Message(self.account, now, lines, left_out, stale, repeats)
        waiting = {} if message else {kind.value: n for kind, n in stale.items()}
        after = replace(cursor, recent=recent, repeats=0 if message else repeats, stale=waiting)
        return message, after


def _new(
    news: Iterable[News], recent: Mapping[str, float], now: float
) -> tuple[list[News], dict[str, float], int]:
    """Return what was not told within the hour, what is remembered, and how much was told.

    What still holds is told whenever it changes, how often that may be.
    """
    remembered = {key: at for key, at in recent.items() if 0.0 <= now - at < HOUR}
    new, n_repeats = [], 0
    for one in news:
        key = hashlib.sha256(f"{one.kind} {one.text}".encode()).hexdigest()[:DIGEST]
        if one.ages and key in remembered:
            n_repeats += 1
            continue
        remembered[key] = now
        new.append(one)
    return new, remembered, n_repeats


def _fitting(news: list[News]) -> tuple[News, ...]:
    """Return the most urgent for which there is room, the newest of a kind first, in order."""
    numbered = sorted(enumerate(news), key=lambda pair: (RANK[pair[1].kind], -pair[0]))
    chosen, room = [], MOST_CHARACTERS
    for i, one in numbered[:MOST_LINES]:
        room -= len(f"{one}\n".encode("utf-16-le")) // 2
        if room < 0:
            break
        chosen.append(i)
    return tuple(news[i] for i in sorted(chosen))


def _counted(what: str, counts: Mapping[Kind, int]) -> str:
    said = ", ".join(f"{counts[kind]} {kind}" for kind in Kind if counts.get(kind))
    return f"{what}: {said}" if said else ""
