"""What an account began with and what it is now, in the words of whoever starts it."""

from typing import Any

SEED = ", drawn on from seed "
NOTHING = "nothing"
_WORDS = {"config_digest": "configuration"}
_ANOTHER = "begin another account with --account NAME"
_TIGHTER = " To risk less, or to close symbols, name tighter limits with --limits"
_FIXES = {
    "rules": _TIGHTER,
    "symbols": _TIGHTER,
    "policy": " Until it is back, --exits-only manages what is held by the rules",
}
_LAST = ("begun", "config_digest")  # they say less than what is behind them


def differing(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return the entries of an identity that differ, those that say most first."""
    names = [name for name in then.keys() | now.keys() if then.get(name) != now.get(name)]
    return sorted(names, key=lambda name: (name in _LAST, name))


def told(name: str, then: object, now: object) -> str:
    """Return that an entry differs: what it was, what it is, and how to go on."""
    was, is_now = _both(name, then, now)
    return (
        f"an account must go on with the {_WORDS.get(name, name)} it began with, {was}, was "
        f"{is_now}. {_how(name, then, now)}, or {_ANOTHER}.{_FIXES.get(name, '')}"
    ).removesuffix(".")


def _both(name: str, then: object, now: object) -> tuple[str, str]:
    if name == "pace":
        return _pace(then), _pace(now)
    return _first_difference(then, now)


def _how(name: str, then: object, now: object) -> str:
    """Return what makes it the same again."""
    if name == "pace":
        return "Leave --bar-seconds out" if then is None else f"Name --bar-seconds {then:g}"
    if name == "market":
        (market, _, drawn), (other, _, again) = (str(one).partition(SEED) for one in (then, now))
        seed = drawn.partition(",")[0]
        if seed and market == other and seed != again.partition(",")[0]:
            return f"Name --market-seed {seed}"
        if market == other and not drawn:
            return "Name --venue replay"
    if name == "policy":
        return "Name the policy it began with (--policy, --seed or --baseline)"
    return "Name the configuration or run it began with"


def _pace(seconds: object) -> str:
    return "real time" if seconds is None else f"{seconds:g} seconds a bar"


def _first_difference(then: object, now: object, path: str = "") -> tuple[str, str]:
    """Return the first values that differ, each behind the names that lead to it."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key in sorted(then.keys() | now.keys()):
            if then.get(key) != now.get(key):
                inner = f"{path}.{key}" if path else str(key)
                return _first_difference(then.get(key), now.get(key), inner)
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for number, (one, other) in enumerate(zip(then, now, strict=True)):
            if one != other:
                inner = f"{path}[{number}]"
                return _first_difference(one, other, inner)
    return f"{path} {_shown(then)}".lstrip(), f"{path} {_shown(now)}".lstrip()


def _shown(value: object) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, list):
        return f"{len(value)} of them"
    if isinstance(value, dict):  # what is off says nothing
        return ", ".join(f"{name} {_shown(one)}" for name, one in value.items() if one) or NOTHING
    return str(value)
