"""How often luck alone is taken to serve a regime, and how often skill is seen.

    python -m benchmarks.service --worlds 2000

Two years of sessions in one regime out of nine, each as likely at every session as in the embedded
market: the present one lasts a month. Strategies have returns of Student's t with four degrees of
freedom; of some worlds one strategy has skill in the regime, a Sharpe ratio a year of so much.
"""

import argparse
import sys

import numpy as np

from benbot.evolution.orchestration.service import services
from benbot.evolution.orchestration.settings import OrchestratorSettings

YEAR, SPELL, N_REGIMES = 252, 21, 9
STRATEGIES, SKILLS = (3, 10, 30), (0.0, 1.0, 2.0, 4.0)


def world(rng: np.random.Generator, n: int, skill: float, n_sessions: int) -> list[np.ndarray]:
    """Return the returns (D, n) and the regimes (D,) of twice the lookback."""
    spells = rng.integers(N_REGIMES, size=n_sessions // SPELL + 1)
    regime = np.repeat(spells, SPELL)[:n_sessions]
    returns = rng.standard_t(4, (n_sessions, n)) / np.sqrt(2.0)
    returns[regime == 0, 0] += skill / np.sqrt(YEAR)
    return [0.01 * returns, regime]


def answers(rng: np.random.Generator, n: int, skill: float) -> list[bool]:
    """Return whether the first regime was served, each time that it is asked within a lookback."""
    settings = OrchestratorSettings()
    returns, regime = world(rng, n, skill, 2 * settings.lookback)
    served, everybody = [], np.ones(n, np.bool_)
    for end in range(settings.lookback, 2 * settings.lookback, settings.patience):
        part = slice(end - settings.lookback, end)
        found = services(
            returns[part], regime[part], everybody, settings.least, settings.level_each
        ).get(0)
        if found is not None:
            served.append(not found.is_poor)
    return served


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=2000)
    n_worlds = parser.parse_args().worlds
    sys.stdout.write("strategies   skill   served, one look   served, ever in a lookback\n")
    for n in STRATEGIES:
        for skill in SKILLS:
            rng = np.random.default_rng([n, int(skill)])
            told = [one for _ in range(n_worlds) if (one := answers(rng, n, skill))]
            each = np.mean([served for one in told for served in one])
            ever = np.mean([any(one) for one in told])
            sys.stdout.write(f"{n:10}{skill:8.1f}{each:19.2%}{ever:29.2%}\n")


if __name__ == "__main__":
    main()
