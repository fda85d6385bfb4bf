"""Program: a typed expression over features that was found or written, and not coded.

Makes and loses money as its formula does; what is known of it is how it did. A signal is evidence
itself: its sign is the side, and 1 is as much as a random walk shows by chance in one standard
deviation. In parts, the size is that evidence where the entry is true; where the exit is true, it
asks for nothing and ends a position of the side that the size has. Sources: Koza, Genetic
Programming, 1992; Allen and Karjalainen, Using Genetic Algorithms to Find Technical Trading Rules,
Journal of Financial Economics, 1999, who found none that earned more than its costs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from benbot.envs.arrays import BoolArray, Float32Array, FloatArray
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market
from benbot.strategies.base import Strategy
from benbot.strategies.programs.features import FEATURES, Features
from benbot.strategies.programs.formula import formula
from benbot.strategies.programs.machine import evaluate
from benbot.strategies.programs.notation import PART_NAMES, from_json, read_program, to_json
from benbot.strategies.programs.program import Program
from benbot.strategies.programs.simplification import digest

SHOWN_DIGITS = 8  # of the digest, in a name
PLAIN = ("return_1",)  # what a program that looks at nothing is evaluated over


@dataclass(frozen=True, kw_only=True)
class ProgramStrategy(Strategy):
    rule = "program"

    program: str = ""  # its JSON, see `notation`

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.program, str) or not self.program:
            raise InvalidParameter(
                f"program of {self.rule} must be JSON, or in a configuration the name of a file "
                f"of it, was {self.program!r}"
            )
        object.__setattr__(self, "program", to_json(self.parsed))

    @classmethod
    def of(cls, program: Program, label: str = "") -> "ProgramStrategy":
        """Return the strategy that a program is."""
        return cls(program=to_json(program), label=label)

    @cached_property
    def parsed(self) -> Program:
        return from_json(self.program)

    @cached_property
    def name(self) -> str:
        return self.label or f"{self.rule}_{digest(self.parsed)[:SHOWN_DIGITS]}"

    @property
    def formula(self) -> str:
        return formula(self.parsed)

    @cached_property
    def lookback(self) -> int:
        return self.parsed.reach([FEATURES[name].lookback for name in self.parsed.features])

    def evidence(self, market: Market) -> FloatArray:
        return heard(self._said(market), self.parsed.n_parts)[0]

    def opens(self, market: Market, evidence: FloatArray) -> BoolArray:
        opening = heard(self._said(market), self.parsed.n_parts)[1]
        return super().opens(market, evidence) & opening

    def sees(self, market: Market) -> Mapping[str, FloatArray]:
        """Return the features, and what the program makes of them."""
        used = Features.of(market, self.parsed.features_used or PLAIN)
        seen = {
            name: values.T.astype(np.float64)
            for name, values in zip(used.names, used.values, strict=True)
        }
        said = self._said(market)
        if self.parsed.n_parts == 1:
            return seen | {"signal": said.astype(np.float64)}
        parts = zip(PART_NAMES, said, strict=True)
        return seen | {name: values.astype(np.float64) for name, values in parts}

    def _said(self, market: Market) -> Float32Array:
        features = Features.of(market, self.parsed.features_used or PLAIN)
        answer: Float32Array = evaluate([self.parsed], features)[0]
        return answer


def heard(said: Float32Array, n_parts: int) -> tuple[FloatArray, BoolArray]:
    """Return the evidence of answers of the machine, and whether it may open a position.

    `said` is [..., T, S], or [..., 3, T, S] in parts.
    """
    if n_parts == 1:
        return said.astype(np.float64), np.ones(said.shape, np.bool_)
    enters, leaves = said[..., 0, :, :] > 0.0, said[..., 1, :, :] > 0.0
    size = said[..., 2, :, :].astype(np.float64)
    evidence = np.where(leaves, -size, np.where(enters, size, 0.0))
    return evidence, enters & ~leaves


def with_text(given: Mapping[str, object]) -> Mapping[str, object]:
    """Return the choice of a program with its text in the place of the name of its file.

    What chooses another rule is left as it is.
    """
    program = given.get("program")
    if not isinstance(program, str) or given.get("name", ProgramStrategy.rule) != "program":
        return given
    text = program if program.lstrip().startswith("{") else to_json(read_program(Path(program)))
    return {"name": ProgramStrategy.rule, **given, "program": text}
