"""Who earns less of late than before, of those who were promoted far enough to lose money by it."""

import numpy as np

from benbot.evolution.orchestration.settings import DecaySettings
from benbot.evolution.orchestration.watching import Watch
from benbot.strategies.drift import Finding, alarms, decay, draws_for
from benbot.strategies.tournament.stages import Stage
from benbot.strategies.tournament.tournament import Tournament


def declined(
    watch: Watch, tournament: Tournament, done: int, settings: DecaySettings, seed: int
) -> list[tuple[str, Finding]]:
    """Return whoever of R3 and LIVE has decayed after `done` sessions, with what was found."""
    high = np.flatnonzero(tournament.stages >= Stage.R3).tolist()
    draws = draws_for(len(high), settings.level)
    found: list[tuple[str, Finding]] = []
    for at in high:
        since = int(tournament.ladder.rows["since"][at])  # what promoted it was lucky, too
        returns = watch.of(at, since, done)
        if returns.size >= 2 * settings.recent:
            rng = np.random.default_rng([seed, done, at])
            finding = decay(returns, settings.recent, rng, draws=draws)
            found.append((tournament.ladder.names[at], finding))
    alarming = alarms([finding for _, finding in found], settings.level)
    return [(name, finding) for name, finding in found if any(finding is one for one in alarming)]
