"""Synthetic markets whose parameters are drawn from ranges: domain randomisation.

Tobin et al., "Domain Randomization for Transferring Deep Neural Networks from Simulation to the
Real World", IROS 2017: who has learned in enough worlds that differ takes the real one for another.
"""

from collections.abc import Mapping
from zlib import crc32

import numpy as np
from pydantic import ValidationError

from benbot.envs.errors import InvalidParameter
from benbot.envs.market.selection import check_known
from benbot.envs.market.synthetic_source import HiddenRegime, SyntheticSource

Range = tuple[float, float]  # low and high, both included
# Every market is drawn with a seed of its own.
NOT_DRAWN = {"seed"}


def drawable(source: SyntheticSource) -> list[str]:
    """Return what a range may be given for: `spread`, or `decline.drift` of a hidden regime."""
    own = [name for name in _numbers(SyntheticSource) if name not in NOT_DRAWN]
    return own + [
        f"{each.name}.{name}" for each in source.regimes for name in _numbers(HiddenRegime)
    ]


def check_ranges(source: SyntheticSource, ranges: Mapping[str, Range]) -> None:
    """Refuse a range of what there is not, one that is upside down, or one that leads outside."""
    check_known("range", list(ranges), drawable(source))
    for name, (low, high) in ranges.items():
        if not low <= high:
            raise InvalidParameter(f"{name} needs low <= high, was low={low:g} high={high:g}")
        for end in (low, high):
            _check_end(source, name, end)


def _check_end(source: SyntheticSource, name: str, value: float) -> None:
    regime, _, parameter = name.rpartition(".")
    kind = HiddenRegime if regime else SyntheticSource
    about = next((each for each in source.regimes if each.name == regime), source)
    given = {field: getattr(about, field) for field in kind.model_fields}
    try:
        kind.model_validate(given | {parameter: value})
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"].replace("Input should", "must")
        reason = reason.removeprefix("Value error, ")
        raise InvalidParameter(f"{name} {reason}, was {value:g} as an end of its range") from error


def draw_source(
    source: SyntheticSource, ranges: Mapping[str, Range], words: tuple[int, ...]
) -> SyntheticSource:
    """Return the source with another seed, and with each parameter evenly drawn from its range.

    words   what the draw is a function of; each parameter has random numbers of its own, so that
            a range more leaves the others as they were
    """
    changes: dict[str, object] = {"seed": int(_generator(words, "seed").integers(2**63))}
    regimes = {each.name: each.model_dump() for each in source.regimes}
    for name, (low, high) in ranges.items():
        regime, _, parameter = name.rpartition(".")
        drawn = _draw(_generator(words, name), low, high, name in _whole(SyntheticSource))
        (regimes[regime] if regime else changes)[parameter] = drawn
    own = {name: getattr(source, name) for name in SyntheticSource.model_fields}
    return SyntheticSource.model_validate(own | {"regimes": list(regimes.values())} | changes)


def drawn_values(source: SyntheticSource, ranges: Mapping[str, Range]) -> dict[str, float]:
    """Return what came out of each range."""
    named: dict[str, SyntheticSource | HiddenRegime] = {each.name: each for each in source.regimes}
    parts = {name: name.rpartition(".") for name in ranges}
    return {
        name: getattr(named.get(regime, source), parameter)
        for name, (regime, _, parameter) in parts.items()
    }


def _draw(generator: np.random.Generator, low: float, high: float, whole: bool) -> float:
    if whole:
        return int(generator.integers(int(low), int(high), endpoint=True))
    return float(generator.uniform(low, high))


def _generator(words: tuple[int, ...], name: str) -> np.random.Generator:
    return np.random.default_rng([*words, crc32(name.encode())])


def _numbers(kind: type[SyntheticSource] | type[HiddenRegime]) -> list[str]:
    fields = kind.model_fields.items()
    return [name for name, field in fields if field.annotation in (int, float)]


def _whole(kind: type[SyntheticSource]) -> set[str]:
    return {name for name, field in kind.model_fields.items() if field.annotation is int}
