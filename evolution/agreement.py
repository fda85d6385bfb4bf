"""Whether another machine computes what this one does: the same candidates on a small market.

A search is the same from a seed only where every number is the same to its last digit. Processors
of different kinds round logarithms and sums differently, so each machine that wants to help shows
first what it makes of a market that costs nothing to send, because it is made from a seed.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial

import numpy as np

from benbot.envs.desk.rules import DeskRules
from benbot.envs.errors import RunMismatch
from benbot.envs.history import Span
from benbot.envs.market.regime import RegimeSettings
from benbot.envs.market.synthetic import generate
from benbot.envs.market.synthetic_source import SyntheticSource
from benbot.envs.work.cluster import connected
from benbot.envs.work.staff import staff
from benbot.evolution.fitness import Fitness
from benbot.evolution.ground import Division, lay_ground
from benbot.evolution.programs import Programs
from benbot.evolution.workers import Workers, alone
from benbot.strategies.programs.features import available
from benbot.strategies.programs.language import Language

SOURCE = SyntheticSource(seed=1, n_bars=700, n_symbols=6, n_sectors=2)
SEED, N_PROGRAMS = 1, 64
SHOWN = 16  # hexadecimal digits


@cache
def proof() -> str:
    """Return a digest of all that some programs do on a market; the same on machines that agree."""
    market = generate(SOURCE).market
    span = Span(0, market.n_bars - 1)
    ground = lay_ground(market, span, DeskRules(), RegimeSettings(), Division(2, 2))
    programs = Programs(Language(available(market)))
    generator = np.random.default_rng(SEED)
    genomes = [programs.draw(generator) for _ in range(N_PROGRAMS)]
    sha = hashlib.sha256()
    for trial in Fitness(programs, ground).measure(genomes, alone):
        sha.update(trial.behaviour.encode())
        sha.update(trial.outcome.growth.tobytes() + trial.outcome.cases.tobytes())
    return sha.hexdigest()[:SHOWN]


def require_agreement(expected: str) -> None:
    """Refuse to help where the digest is another."""
    if proof() != expected:
        raise RunMismatch(
            f"whoever helps a search must compute what began it to the last digit, digest "
            f"{expected}, was {proof()}. Use machines of one kind, with the same benbot"
        )


@contextmanager
def hire_cluster(address: str, n: int | None) -> Iterator[Workers]:
    """Lend as many hands on a Ray cluster, or one for each of its processors, that agree with us.

    They stay for as long as the block, and so does what is sent to them.
    """
    with connected(address), staff(address, n, partial(require_agreement, proof())) as hands:
        yield hands
