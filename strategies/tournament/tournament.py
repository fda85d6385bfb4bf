"""The tournament: sessions in, moves on the ladder out.

It knows nothing but what it was told, session by session, and draws no random numbers: the same
sessions give the same moves, whoever else asks, and a prefix of them gives a prefix. Between two
sessions its `state` is plain numbers, from which another one goes on bit for bit.
"""

from collections.abc import Iterable
from typing import Any, Self

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray, IntArray, RecordArray
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.selection import check_known
from benbot.strategies.tournament.ascent import to_first, to_live, to_trial
from benbot.strategies.tournament.descent import Move, descents
from benbot.strategies.tournament.evidence import weigh
from benbot.strategies.tournament.ladder import Ladder, begin_attempt, begin_trial
from benbot.strategies.tournament.probation import expected_ratio, remember
from benbot.strategies.tournament.settings import TournamentSettings
from benbot.strategies.tournament.stages import Reason, Stage, Transition
from benbot.strategies.tournament.trial import Session, record

Moves = tuple[Transition, ...]


class Tournament:
    """Strategies on their way from paper to capital and back.

    Laws: a strategy moves at most once a session; nobody is on a stage without having passed those
    below it in the same attempt; `stages` is what the moves so far add up to.
    """

    def __init__(self, settings: TournamentSettings, ladder: Ladder | None = None) -> None:
        self.settings = settings
        self.ladder = Ladder.empty(settings) if ladder is None else ladder

    @classmethod
    def resume(cls, state: dict[str, Any], settings: TournamentSettings) -> Self:
        """Return the tournament that wrote a state; it goes on as the other one would have."""
        return cls(settings, Ladder.of_state(state, settings))

    def state(self) -> dict[str, Any]:
        """Return everything that it knows, as JSON keeps it exactly."""
        return self.ladder.state()

    @property
    def stages(self) -> IntArray:
        """The `Stage` of every strategy, (N,), in the order of `ladder.names`."""
        stages: IntArray = self.ladder.rows["stage"].copy()
        return stages

    def register(self, name: str, digest: str) -> Moves:
        """Let a strategy begin in R1, at once or when a place is free there.

        `digest` tells its rule and parameters apart from others. Whoever was retired may begin
        again with other ones; how often it has begun is remembered. The same again changes nothing.
        """
        ladder = self.ladder
        if name in ladder.names:
            at = ladder.names.index(name)
            if ladder.digests[at] == digest and ladder.rows["stage"][at] != Stage.RETIRED:
                return ()
            self._check_changed(name, digest, at)
            begin_attempt(ladder.rows, at)
            ladder.rows["demotions"][at] = 0
            ladder.digests[at] = digest
        else:
            self._check_new(name, digest)
            at = ladder.n_strategies
            ladder.rows = longer(ladder.rows)
            ladder.rings = longer(ladder.rings)
            ladder.names.append(name)
            ladder.digests.append(digest)
        ladder.rows["stage"][at] = Stage.WAITING
        ladder.rows["since"][at] = ladder.session
        return self._apply(to_first(ladder, self.settings))

    def withdraw(self, name: str) -> Moves:
        """Retire a strategy, whatever its stage."""
        check_known("strategy", [name], self.ladder.names)
        at = self.ladder.names.index(name)
        if self.ladder.rows["stage"][at] == Stage.RETIRED:
            return ()
        return self._apply([(at, Stage.RETIRED, Reason.WITHDRAWN, "")])

    def bury(self, returns: FloatArray) -> Moves:
        """Retire whoever takes part, had a session before, and has none any more, (N,).

        It is for accounts that do not come back: once hardly any capital is left there is no
        session, and nothing else would ever bring a strategy down that has none.
        """
        rows = self.ladder.rows
        gone = (rows["stage"] >= Stage.R1) & (rows["sessions"] > 0) & ~np.isfinite(returns)
        note = "no capital is left to trade with"
        return self._apply(
            (int(at), Stage.RETIRED, Reason.RUINED, note) for at in np.flatnonzero(gone)
        )

    def advance(
        self,
        session: int,
        returns: FloatArray,
        trades: IntArray,
        slippage: FloatArray,
        breaches: IntArray,
    ) -> Moves:
        """Take in what every strategy did in one session, (N,) each, and return the moves.

        See `Session` for what the arrays hold. Sessions are numbered in the order of time.
        """
        told = Session(
            np.asarray(returns, np.float64),
            np.asarray(trades),
            np.asarray(slippage, np.float64),
            np.asarray(breaches),
        )
        check_session(session, told, self.ladder)
        seen = (self.ladder.rows["stage"] >= Stage.R1) & np.isfinite(told.returns)
        self.ladder.session = int(session)
        self._take_in(told, seen)
        return self._move(seen)

    def _take_in(self, told: Session, seen: BoolArray) -> None:
        rows: RecordArray = self.ladder.rows[seen]
        own = told.of(seen)
        record(rows, own)
        weigh(rows, own.returns, self.settings)
        self.ladder.rows[seen] = rows
        live = seen & (self.ladder.rows["stage"] == Stage.LIVE)
        rings = self.ladder.rings[live]
        remember(rings, self.ladder.rows["days"][live], told.of(live))
        self.ladder.rings[live] = rings

    def _move(self, seen: BoolArray) -> Moves:
        """Bring down first, then let rise from the top, so that places become free on the way."""
        moves = self._apply(descents(self.ladder, seen, self.settings))
        ready = seen.copy()
        for rising in (to_live, *(_to(stage) for stage in (Stage.R3, Stage.R2))):
            ready[[move.strategy for move in moves]] = False
            moves += self._apply(list(rising(self.ladder, ready, self.settings)))
        return moves + self._apply(to_first(self.ladder, self.settings))

    def _apply(self, moves: Iterable[Move]) -> Moves:
        return tuple(self._place(*move) for move in list(moves))

    def _place(self, at: int, target: Stage, reason: Reason, note: str) -> Transition:
        ladder, rows = self.ladder, self.ladder.rows
        source = Stage(int(rows["stage"][at]))
        rows["stage"][at], rows["since"][at] = target, ladder.session
        begin_trial(rows, at)
        if source == Stage.LIVE:
            rows["demotions"][at] += 1
            ladder.rings[at] = 0
        if target == Stage.LIVE:
            ladder.discovered += 1
            rows["held_to"][at] = expected_ratio(rows[at : at + 1], self.settings)[0]
        elif target == Stage.RETIRED:
            ladder.given_up[ladder.digests[at]] = ladder.names[at]
        elif target == Stage.R1 and source in (Stage.WAITING, Stage.LIVE):
            begin_attempt(rows, at)
            rows["attempt"][at] += 1
            rows["number"][at] = ladder.attempts
            ladder.attempts += 1
        return Transition(ladder.session, at, source, target, reason, note)

    def _check_changed(self, name: str, digest: str, at: int) -> None:
        if self.ladder.rows["stage"][at] != Stage.RETIRED:
            raise InvalidParameter(
                f"strategy {name!r} must keep its parameters while it takes part, "
                f"{self.ladder.digests[at]}, was {digest}. Withdraw it first, or choose another "
                "name"
            )
        self._check_digest(name, digest)

    def _check_new(self, name: str, digest: str) -> None:
        if not name or not digest:
            raise InvalidParameter(
                f"a strategy needs a name and a digest, was {name!r} and {digest!r}"
            )
        self._check_digest(name, digest)

    def _check_digest(self, name: str, digest: str) -> None:
        """Refuse what has been tried: its attempts would not be counted under a new name."""
        ladder = self.ladder
        holders = dict(zip(ladder.digests, ladder.names, strict=True))
        if digest in ladder.given_up:
            raise InvalidParameter(
                f"strategy {name!r} needs parameters that were not retired before, was {digest}, "
                f"which was retired as {ladder.given_up[digest]!r}. Change a parameter"
            )
        if holders.get(digest, name) != name:
            raise InvalidParameter(
                f"strategy {name!r} needs parameters of its own, was {digest}, which "
                f"{holders[digest]!r} has. Two names for one strategy would be tested twice"
            )


def _to(target: Stage) -> Any:  # noqa: ANN401
    """Return the rise to R2 or R3 in the form that `to_live` has."""
    return lambda ladder, ready, settings: to_trial(ladder, ready, target, settings)


def longer(records: RecordArray) -> RecordArray:
    """Return the records with one of zeros behind them."""
    longer = np.zeros(len(records) + 1, records.dtype)
    longer[:-1] = records
    return longer


def check_session(session: int, told: Session, ladder: Ladder) -> None:
    """Refuse a session out of order, or arrays that do not fit the ladder."""
    if not session > ladder.session:
        raise InvalidParameter(
            f"sessions must come in the order of time, after {ladder.session}, was {session}. "
            "Resume from the state that was saved last"
        )
    n = ladder.n_strategies
    for name, column in zip(Session._fields, told, strict=True):
        if column.shape != (n,):
            raise InvalidParameter(
                f"{name} must have one value a strategy, shape ({n},), was {column.shape}"
            )
    for name in ("trades", "breaches"):
        counts = getattr(told, name)
        if counts.dtype.kind not in "iu" or (counts < 0).any():
            raise InvalidParameter(f"{name} must be whole numbers of 0 or more, was {counts}")
    if np.isinf(told.returns).any():
        at = int(np.flatnonzero(np.isinf(told.returns))[0])
        raise InvalidParameter(
            f"returns must be finite, or NaN where there was no session, was "
            f"{told.returns[at]} of {ladder.names[at]} in session {session}"
        )
    lacking = (told.trades > 0) & ~np.isfinite(told.slippage)
    if lacking.any():
        at = int(np.flatnonzero(lacking)[0])
        raise InvalidParameter(
            f"slippage must be known where there were trades, was {told.slippage[at]} of "
            f"{ladder.names[at]} in session {session}"
        )
