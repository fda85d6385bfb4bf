"""What returns say about skill, in a form that holds however often it is looked at.

Evidence is wealth. Whoever bets a share λ of what he has on a strategy, session after session, has

    E_t = Π_s (1 + λ_s z_s)         z_s = r_s / σ_s

of each unit that he began with; λ_s and σ_s, the deviation as the sessions before s told it, are
fixed before the return r_s is known. As long as the strategy has no skill, which is that no session
pays more than 0 on average given all before it, that wealth is a supermartingale, whatever the
distribution, its tails and its changes of volatility: E_t is an e-process (Ramdas, Grünwald, Vovk
and Shafer 2023, Statistical Science 38; for means Waudby-Smith and Ramdas 2024, JRSS B 86). By
Ville's inequality it ever reaches 1 / α with a probability of at most α. Several bets are made at
once, one for each Sharpe ratio that is sought: a ratio of S a year is worth λ = S / √252 (Kelly
1956), and their mean is an e-process as well.

Two things are added.

- Single returns above `LARGEST` deviations count as that many: lower returns make less wealth, so
  the promise stands. A loss beyond 1 / λ deviations, 7.9 for a ratio of 2, leaves nothing.
- Returns that depend on those before are no martingale differences: their sums vary more than
  single returns tell, by the factor v = 1 + 2 Σ ρ_k, and wealth would grow by λ² (v - 1) / 2 a
  session on noise. v is estimated from the sessions before (Bartlett weights, `LAGS` lags, Newey
  and West 1987, shrunk to 1, never below it), λ is divided by √v and that growth is taken off. For
  martingale differences this only costs a little; for others the promise holds as far as v is
  known, and `docs/tournament.md` says how far that was.

The same, the other way round, refutes skill (`doubt`), and restarted at every session it tells a
change: R_t = (R_{t-1} + 1) (1 + λ (S - z_t)), the Shiryaev-Roberts form of an e-detector (Shin,
Ramdas and Rinaldo 2023, New England Journal of Statistics in Data Science 2). While the ratio is
still S or more, E[R_t] is at most t, so that the mean time until R passes A is at least A.

A session on which nothing was held, with a return of exactly 0, says nothing.
"""

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray, RecordArray
from benbot.strategies.tournament.ladder import LAGS
from benbot.strategies.tournament.settings import TournamentSettings

LARGEST = 6.0  # deviations
FEWEST = 20  # sessions with a position until anything is bet
FAST = 0.97  # what a session keeps of the decayed mean square
PRIOR = 30.0  # sessions without correlation that the record begins with
LEAST_LOG = -700.0  # of wealth; whoever is there has nothing
WEIGHTS = 1.0 - np.arange(1, LAGS + 1) / (LAGS + 1.0)  # Bartlett's


def weigh(rows: RecordArray, returns: FloatArray, settings: TournamentSettings) -> None:
    """Bet on and against every row with a return, then learn from it; returns (N,) are finite."""
    held = returns != 0.0
    known = held & (rows["exposed"] >= FEWEST)
    deviation = np.sqrt(np.maximum(rows["fast"], rows["slow"]))
    z = np.divide(returns, deviation, out=np.zeros_like(returns), where=known & (deviation > 0.0))
    spread = spread_of(rows)
    bet_on(rows, z, spread, known, settings)
    bet_against(rows, z, spread, known, settings)
    learn_correlation(rows, z, known)
    learn_deviation(rows, returns, held)


def spread_of(rows: RecordArray) -> FloatArray:
    """Return by what the variance of sums exceeds that of single returns, 1 or more, (N,)."""
    correlation = rows["products"][:, 1:] / (rows["products"][:, :1] + PRIOR)
    spread: FloatArray = np.maximum(1.0 + 2.0 * (correlation * WEIGHTS).sum(axis=1), 1.0)
    return spread


def log_evidence(rows: RecordArray) -> FloatArray:
    """Return the log of the e-value of skill, (N,): of the mean of all bets."""
    wealth = rows["wealth"]
    top = wealth.max(axis=1, keepdims=True)
    evidence: FloatArray = top[:, 0] + np.log(np.exp(wealth - top).mean(axis=1))
    return evidence


def bet_on(
    rows: RecordArray,
    z: FloatArray,
    spread: FloatArray,
    known: BoolArray,
    settings: TournamentSettings,
) -> None:
    """Let the wealth of each bet on skill grow or shrink."""
    year, benchmark = np.sqrt(settings.sessions_per_year), settings.gate.benchmark
    above = np.minimum(z, LARGEST) - benchmark / year
    for j, sought in enumerate(settings.gate.sought):
        share = (sought - benchmark) / year / np.sqrt(spread)
        growth = log_growth(share, above, spread)
        wealth = rows["wealth"][:, j]
        rows["wealth"][:, j] = np.where(known, np.maximum(wealth + growth, LEAST_LOG), wealth)


def bet_against(
    rows: RecordArray,
    z: FloatArray,
    spread: FloatArray,
    known: BoolArray,
    settings: TournamentSettings,
) -> None:
    """Let the evidence against skill, and against its going on, grow or shrink."""
    year = np.sqrt(settings.sessions_per_year)
    least = np.maximum(z, -LARGEST)
    hoped = settings.retirement.sharpe / year
    growth = log_growth(hoped / np.sqrt(spread), hoped - least, spread)
    rows["doubt"] = np.where(known, np.maximum(rows["doubt"] + growth, LEAST_LOG), rows["doubt"])
    held_to = rows["held_to"] / year
    growth = log_growth(held_to / np.sqrt(spread), held_to - least, spread)
    watched = known & (held_to > 0.0)
    rows["alarm"] = np.where(watched, (rows["alarm"] + 1.0) * np.exp(growth), rows["alarm"])


def log_growth(share: FloatArray, paid: FloatArray, spread: FloatArray) -> FloatArray:
    """Return the log of what a bet multiplies wealth by, the correction for dependence included."""
    kept = np.maximum(1.0 + share * paid, np.exp(LEAST_LOG))
    growth: FloatArray = np.log(kept) - share**2 * (spread - 1.0) / 2.0
    return growth


def learn_correlation(rows: RecordArray, z: FloatArray, known: BoolArray) -> None:
    """Add the products of the present standardised return with those before it."""
    count = np.maximum(rows["exposed"] - FEWEST, 1)
    apart = np.clip(z, -LARGEST, LARGEST) - rows["moved"] / count
    apart = np.where(known, apart, 0.0)
    rows["products"][:, 0] += apart**2
    rows["products"][:, 1:] += apart[:, None] * rows["recent"]
    shifted = np.column_stack([apart, rows["recent"][:, :-1]])
    rows["recent"] = np.where(known[:, None], shifted, rows["recent"])
    rows["moved"] += np.where(known, np.clip(z, -LARGEST, LARGEST), 0.0)


def learn_deviation(rows: RecordArray, returns: FloatArray, held: BoolArray) -> None:
    """Count the session and renew both mean squares of the returns of sessions with a position."""
    square = returns**2
    rows["exposed"] += held
    count = np.maximum(rows["exposed"], 1)
    slow = rows["slow"] + (square - rows["slow"]) / count
    fast = FAST * rows["fast"] + (1.0 - FAST) * square
    fast = np.where(count <= FEWEST, slow, fast)
    rows["slow"] = np.where(held, slow, rows["slow"])
    rows["fast"] = np.where(held, fast, rows["fast"])
