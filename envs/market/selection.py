"""Choosing symbols by name, with a suggestion where a name does not exist."""

from collections.abc import Iterable
from difflib import get_close_matches

from benbot.envs.errors import UnknownName

SHOWN = 8


def check_known(kind: str, wanted: Iterable[str], known: Iterable[str]) -> None:
    """Refuse the first name that is not among the known ones, with those that resemble it."""
    names = sorted(known)
    for name in wanted:
        if name not in names:
            raise UnknownName(f"{kind} must be one that exists, was {name!r}. {_hint(name, names)}")


def choose_symbols(
    available: Iterable[str], wanted: Iterable[str] | None = None, excluded: Iterable[str] = ()
) -> tuple[str, ...]:
    """Return the wanted symbols in the order asked for, or all in alphabetical order."""
    known, out = set(available), set(excluded)
    check_known("symbol", [*(wanted or ()), *out], known)
    chosen = sorted(known) if wanted is None else dict.fromkeys(wanted)
    return tuple(symbol for symbol in chosen if symbol not in out)


def _hint(name: str, names: list[str]) -> str:
    folded = {known.casefold(): known for known in names}
    close = [folded[match] for match in get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)]
    if close:
        return f"Did you mean {' or '.join(close)}?"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"There are {', '.join(names[:SHOWN])}{more}"
