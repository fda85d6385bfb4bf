"""Whom the loop believes: a policy that chooses sense, and strategies that can be heard.

Nonsense keeps the weights that there are. After `NEEDED` of it in a row nothing is entered until
the policy chooses sense again. A strategy that fails as often in a row is not asked any more until
somebody lets the account go on (`benbot paper resume`). All of it is known from what was kept, so
that no restart forgets it.
"""

from collections.abc import Iterable

import numpy as np

from benbot.agents.past import Past, ask, past_of
from benbot.agents.policy import checked_weights
from benbot.envs.arrays import Float32Array
from benbot.envs.errors import InvalidWeights, RunMismatch
from benbot.paper.change import Change
from benbot.paper.holding import WHY, Holding
from benbot.paper.setting import Setting
from benbot.paper.store import Happened, PaperStore

NEEDED = 3  # failures in a row
NOT_ASKED = "was not asked"  # disabled, or others took too long: no fault of its own
NONSENSE, HELD, UNHEARD = "nonsense", "held", "unheard"
DISABLED, PARDONED = "disabled", "pardoned"  # a halt that comes later disables nobody again


class Trust:
    """What the policy and the strategies of an account have made of it."""

    def __init__(self, setting: Setting, store: PaperStore) -> None:
        self._setting, self._store = setting, store
        self._n_nonsense = 0
        self._n_failed: dict[str, int] = {}  # strategies that failed, and how often in a row
        self._disabled: dict[str, int] = {}  # and when somebody had let the account go on before
        self._pardoned: set[str] = set()  # since the close before
        self._switched = 0

    @property
    def why_not(self) -> str:
        """Why nothing may be entered; empty where it may."""
        if isinstance(self._setting.policy, Holding):
            return WHY
        if self._n_nonsense >= NEEDED:
            return f"the policy chose nonsense {self._n_nonsense} times in a row"
        return ""

    def require_policy(self) -> None:
        """Refuse to begin an account that would have nothing to exit from."""
        if isinstance(self._setting.policy, Holding):
            raise RunMismatch(
                "exits only is for an account that has begun, this one has not. Begin it with a "
                "policy"
            )

    # The policy.

    def chosen(
        self, change: Change, t: int, observation: Float32Array, weights: Float32Array
    ) -> Float32Array:
        """Ask the policy at the close of bar `t`; without an answer of use `weights` stay."""
        if isinstance(self._setting.policy, Holding):
            change.event(HELD, f"bar {t}", why=WHY)
            return weights
        try:
            chosen = self._asked(self._past(t), observation)
        except InvalidWeights as error:
            self._n_nonsense += 1
            change.event(NONSENSE, f"bar {t}", why=str(error))
            if self._n_nonsense == NEEDED:
                change.alarm("policy", why=self.why_not)
            return weights
        if self._n_nonsense >= NEEDED:
            change.event("recovered", "policy", n_nonsense=self._n_nonsense)
        self._n_nonsense = 0
        return chosen

    def remember(self) -> None:
        """Let the policy live through all that it saw, and refuse one that chooses otherwise.

        It is told again what it was told of the sleeves: what they returned is kept, too.
        """
        nonsense, held = (_bars(self._store.events(kind)) for kind in (NONSENSE, HELD))
        self._n_nonsense = 0
        if isinstance(self._setting.policy, Holding):
            return
        self._setting.policy.reset()
        lived = self._store.observations()
        past = self._past(lived[-1][0])
        for bar, observation, weights in lived:
            if bar not in held:
                self._n_nonsense = self._n_nonsense + 1 if bar in nonsense else 0
            try:
                chosen = self._asked(past.until(bar), observation)
            except InvalidWeights:
                continue  # it was asked in vain then, too
            if bar not in nonsense | held and not np.array_equal(chosen, weights):
                raise RunMismatch(
                    "a policy must choose again what it chose before, was another or runs on "
                    "other code. Go on with the bundle that the account began with"
                )

    def _past(self, t: int) -> Past:
        return past_of(*self._setting.chronicle.until(t), t)

    def _asked(self, past: Past, observation: Float32Array) -> Float32Array:
        policy = self._setting.policy
        n_entries = len(self._setting.names.strategies) + 1
        try:
            weights = ask(policy, past, observation)
        except Exception as error:  # whatever it is, exits have to go on
            raise InvalidWeights(f"{policy.name} raised {type(error).__name__}: {error}") from error
        return checked_weights(policy, weights, n_entries)

    def say(self, change: Change) -> None:
        """Raise an alarm where nobody decides."""
        if isinstance(self._setting.policy, Holding):
            change.alarm("policy", why=WHY)

    # The strategies.

    def listen(self, bar: int) -> None:
        """Know again who failed until the close of `bar`, and hear it as it was heard then."""
        isolated = self._setting.isolated
        if isolated is None:
            return
        by_bar = {_bar(one.subject): one.reasons["why"] for one in self._store.events(UNHEARD)}
        silent = by_bar.get(bar, {})
        self._n_failed = {name: _run(name, bar, by_bar) for name in silent}
        self._disabled = {}
        for one in self._store.events(DISABLED, PARDONED):
            self._disabled.pop(one.subject, None)
            if one.kind == DISABLED:
                self._disabled[one.subject] = int(one.reasons["switched"])
        isolated.muted = {*self._still_disabled(), *silent}

    def attend(self) -> None:
        """Decide who is asked at the close that comes."""
        if self._setting.isolated is not None:
            self._setting.isolated.muted = self._still_disabled()

    def note(self, change: Change, t: int) -> None:
        """Note who was not heard at the close of bar `t`, and disable who fails too often.

        Nothing is read here: a change is under way, and a database may have one at a time.
        """
        isolated = self._setting.isolated
        if isolated is None:
            return
        failed = dict(isolated.failed)
        for name in sorted(self._pardoned):
            change.event(PARDONED, name)
        self._pardoned = set()
        why = {name: failed.get(name, NOT_ASKED) for name in isolated.unheard}
        if why:
            change.event(UNHEARD, f"bar {t}", why=why)
        self._n_failed = {name: self._n_failed.get(name, 0) + 1 for name in failed}
        for name, n_failed in self._n_failed.items():
            if n_failed >= NEEDED:
                self._disabled[name] = self._switched
                change.event(DISABLED, name, switched=self._switched)
                change.alarm(f"strategy {name}", why=failed[name], n_failed=n_failed)

    def _still_disabled(self) -> set[str]:
        now = self._switched = self._store.switched()
        self._pardoned |= {name for name, then in self._disabled.items() if now not in (0, then)}
        self._disabled = {
            name: then for name, then in self._disabled.items() if name not in self._pardoned
        }
        return set(self._disabled)


def _run(name: str, bar: int, by_bar: dict[int, dict[str, str]]) -> int:
    """Return at how many closes in a row, until that of `bar`, a strategy failed."""
    n = 0
    while by_bar.get(bar - n, {}).get(name, NOT_ASKED) != NOT_ASKED:
        n += 1
    return n


def _bars(events: Iterable[Happened]) -> set[int]:
    return {_bar(one.subject) for one in events}


def _bar(subject: str) -> int:
    return int(subject.removeprefix("bar "))
