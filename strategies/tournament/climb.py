"""A tournament beside a market that goes on: it is played from close to close, and never again.

At each close it knows what `stages_of` knows of the same history, bit for bit: the same accounts
trade one bar more, and a session is told as soon as it is known to be over. Between two closes its
`state` and its `arrays` are all that another one needs to go on.
"""

from typing import Any

import numpy as np

from benbot.envs.arrays import AnyArray, IntArray, RecordArray, TimeArray
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.sleeves import LEAST_CAPITAL
from benbot.envs.desk.tape import Tape
from benbot.envs.observation import Features
from benbot.strategies.tournament.alone import Alone
from benbot.strategies.tournament.binding import entered, judged
from benbot.strategies.tournament.ladder import VERSION
from benbot.strategies.tournament.sessions import is_daily
from benbot.strategies.tournament.settings import TournamentSettings
from benbot.strategies.tournament.sleeves import DAY, breached, earned
from benbot.strategies.tournament.tournament import Moves, Tournament

NOT_BEGUN = -1


class Climb:
    """K strategies on the ladder, at the close of `bar`.

    bar    NOT_BEGUN before the first
    moves  those of that close
    """

    def __init__(
        self, rules: DeskRules, names: tuple[str, ...], settings: TournamentSettings
    ) -> None:
        self.names, self._rules, self._settings = names, rules, settings
        self._alone = Alone(rules, len(names))
        self._tournament = entered(names, settings)
        self._start = np.zeros(len(names))  # equity with which the session began
        self._n_trades = np.zeros(len(names), np.int64)  # in it so far
        self.bar = NOT_BEGUN
        self.moves: Moves = ()
        self._changed: list[tuple[int, list[int]]] = [(0, self._tournament.stages.tolist())]

    @property
    def stages(self) -> IntArray:
        """The `Stage` of each, (K,)."""
        return self._tournament.stages

    def path(self) -> IntArray:
        """Return the stage of each at the close of every bar, (bar + 1, K)."""
        path = np.zeros((self.bar + 1, len(self.names)), np.int64)
        for bar, stages in self._changed:
            path[bar:] = stages
        return path

    def follow(self, tape: Tape, features: Features, days: TimeArray) -> None:
        """Go on to the last bar of a history; `days` (T,) are those to which its bars belong.

        Its values must be known from the bar on at which the strategies stand. Where nothing has
        come since, nothing changes. Whether a session has one bar or several is what the bars so
        far say, so that the first history has to be long enough to show it.
        """
        session, n_bars = tape.session, tape.session.size
        if self.bar + 1 >= n_bars:
            return
        days = days.astype(DAY).astype(np.int64)
        daily = is_daily(session)
        self._alone.show(tape, features)
        for t in range(self.bar + 1, n_bars):
            self.bar, self.moves = t, ()
            if t == 0:
                self._alone.begin(0)
                self._start[:] = self._alone.equity
                continue
            if not daily and session[t] != session[t - 1] and t > 1:
                self._judge(int(days[t - 1]))
            self._count(self._alone.trade())
            if daily:
                self._judge(int(days[t]))

    def state(self) -> dict[str, Any]:
        """Return where it stands but for the accounts, as JSON keeps it exactly."""
        return {
            "settings": described(self._settings),
            "bar": self.bar,
            "changed": [[bar, list(stages)] for bar, stages in self._changed],
            "tournament": self._tournament.state(),
        }

    def fits(self, state: dict[str, Any], bar: int) -> bool:
        """Return whether a state is of this ladder, with these settings, at the close of a bar."""
        return bool(
            state["bar"] == bar
            and state["tournament"]["version"] == VERSION
            and state["settings"] == described(self._settings)
            and state["tournament"]["names"] == list(self.names)
        )

    def restore(self, state: dict[str, Any]) -> None:
        """Stand where another one stood that wrote a state which fits; fill `arrays` beside it."""
        self._tournament = Tournament.resume(state["tournament"], self._settings)
        self._changed = [(int(bar), list(stages)) for bar, stages in state["changed"]]
        self.bar, self.moves = int(state["bar"]), ()

    @property
    def arrays(self) -> list[AnyArray]:
        """The accounts and their session so far, to be kept and brought back in place."""
        return [*self._alone.arrays, self._start, self._n_trades]

    def _count(self, closed: RecordArray) -> None:
        self._n_trades += np.bincount(closed["strategy"], minlength=len(self.names))

    def _judge(self, day: int) -> None:
        """Tell the tournament of the session that ended with the last mark."""
        if not day > self._tournament.ladder.session:  # of two of a day the first counts
            return
        equity = self._alone.equity
        returns, _ = earned(self._start, equity, LEAST_CAPITAL * self._rules.capital)
        breaches = breached(returns, self._rules.breakers.daily_loss).astype(np.int64)
        self.moves = judged(self._tournament, day, returns, self._n_trades, breaches)
        if self.moves:
            self._changed.append((self.bar, self.stages.tolist()))
        self._start[:], self._n_trades[:] = equity, 0


def described(settings: TournamentSettings) -> dict[str, Any]:
    """Return all that decides who moves, as plain values."""
    return settings.model_dump(mode="json", exclude={"binding"})
