"""The shadow sleeves beside the account: every strategy alone, one bar at a time, and kept.

In training the sleeves run through a whole history at once (`envs.desk.sleeves`). Here they go on
from where they stood, with the same functions, so that what a policy sees of them is what it would
have seen; and what they have lived through stays, whatever becomes of the data.
"""

import numpy as np

from benbot.envs.arrays import AnyArray, FloatArray
from benbot.envs.desk.book import open_book
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.floor import lend
from benbot.envs.desk.ledger import open_ledger
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.sleeves import blank_records, heard, run_sleeves
from benbot.envs.desk.tally import open_tally
from benbot.envs.desk.tape import Tape
from benbot.envs.signals import Signals
from benbot.paper.images import image_of, restore


class ShadowSleeves:
    """K accounts of one strategy each, and the record of their round trips.

    `last` is the bar at whose close they stand; `growth` (last + 1, K) is what they have returned.
    """

    def __init__(self, rules: DeskRules, n_strategies: int, n_symbols: int) -> None:
        most = rules.limits.max_positions
        self._rules = rules.without_breakers().record()
        self._book = open_book(n_strategies, n_strategies, most)
        self._records = blank_records(n_strategies, n_symbols)
        self._most = most
        self.growth: FloatArray = np.zeros((0, n_strategies))

    @property
    def last(self) -> int:
        return len(self.growth) - 1

    def follow(self, tape: Tape, signals: Signals) -> None:
        """Trade on to the last bar of the tape, and write values and returns into it."""
        n_strategies, begun = self.growth.shape[1], self.last
        tape.sleeve_return[: begun + 1] = self.growth
        desk = Desk(self._book, tape, self._rules, open_ledger(n_strategies, trades=2 * self._most))
        floor = lend(desk)
        nowhere = np.zeros(tape.bars.shape[0], np.int64), np.zeros(tape.bars.shape[1], np.int64)
        tally = open_tally(n_strategies, *nowhere)
        opinions = heard(signals.direction, signals.confidence)
        run_sleeves(floor.words, opinions, self._records, tally, begun)
        self.growth = tape.sleeve_return.copy()

    def image(self) -> bytes:
        """Return as bytes where the sleeves stand; what they returned before is kept elsewhere."""
        return image_of(self._arrays)

    def restore(self, image: bytes, growth: FloatArray) -> None:
        """Bring the sleeves back as they stood after they had returned `growth` (T, K)."""
        restore(image, self._arrays)
        self.growth = growth.copy()

    @property
    def _arrays(self) -> list[AnyArray]:
        return [*self._book, *self._records]
