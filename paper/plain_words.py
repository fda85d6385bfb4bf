"""Events of the chain about the loop and those who rule it, in plain words.

What others wrote (names, reasons) stands in them as it came; whoever shows it sees to that.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from benbot.paper import limits
from benbot.paper.throws import HALTED, RESUMED, STOPPING

STARTED, ENDED, RECONCILING = "started", "ended", "reconciling"  # kinds of events
LIMITS = limits.KIND

Reasons = Mapping[str, Any]


def in_words(kind: str, reasons: Reasons | str) -> str:
    """Return what an event says; empty where its kind has no words here, or it cannot be read."""
    word = WORDS.get(kind)
    try:
        read = json.loads(reasons) if isinstance(reasons, str) else reasons
        return "" if word is None else word(read)
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


def _started(reasons: Reasons) -> str:
    version = f" ({reasons['version']})" if reasons["version"] else ""
    before = f"; {reasons['before']}" if reasons["before"] else ""
    return (
        f"a loop of BenBot {reasons['software']} began: policy {reasons['policy']}{version}, venue "
        f"{reasons['venue']}, on {reasons['host']}, process {reasons['process']}, "
        f"{reasons['phase']} after bar {reasons['bar']}{before}"
    )


def _ended(reasons: Reasons) -> str:
    by = f" by {reasons['by']}" if reasons["by"] else ""
    return f"the loop ended: {reasons['how']}{by}, {reasons['phase']} after bar {reasons['bar']}"


def _halted(reasons: Reasons) -> str:
    return f"the kill switch is ON, no order is sent ({_who(reasons)})"


def _resumed(reasons: Reasons) -> str:
    return f"the kill switch is off, orders are sent again ({_who(reasons)})"


def _stopping(reasons: Reasons) -> str:
    return f"asked to stop after this cycle ({_who(reasons)})"


def _who(reasons: Reasons) -> str:
    said = f": {reasons['reason']}" if reasons["reason"] else ""
    at = f", at {reasons['thrown'][:16].replace('T', ' ')} UTC" if "thrown" in reasons else ""
    return f"by {reasons['by']}{said}{at}"


def _limits(reasons: Reasons) -> str:
    """Say what limits hold, without those that leave it to the rules."""
    caps = {f"caps {name}": value for name, value in reasons["caps"].items()}
    known = {
        name: value for name, value in reasons.items() if name not in ("caps", limits.AFTER)
    } | caps
    said = [
        f"{name.replace('_', ' ')} {_listed(value)}"
        for name, value in known.items()
        if value not in (None, [])
    ]
    return f"limits taken: {', '.join(said) or 'none that is tighter than the rules'}"


def _listed(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else f"{value:g}"


def _reconciling(reasons: Reasons) -> str:
    return (
        f"{reasons['by']} took the venue's word into the book: {reasons['differ']} of "
        f"{reasons['compared']} differed"
    )


WORDS: dict[str, Callable[[Reasons], str]] = {
    STARTED: _started,
    ENDED: _ended,
    HALTED: _halted,
    RESUMED: _resumed,
    STOPPING: _stopping,
    LIMITS: _limits,
    RECONCILING: _reconciling,
}
