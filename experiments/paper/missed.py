"""Bars that passed while nobody traded: before a start, or because cycles take longer than bars."""

from collections.abc import Sequence

from benbot.paper.standing import Phase, Standing


class Missed:
    """Counts, cycle by cycle, the bars that were over before anything was traded in them."""

    def __init__(self, standing: Standing) -> None:
        """Begin where the account stands when it is opened."""
        self._last, self._is_first = standing, True

    def look(self, standing: Standing) -> Sequence[str]:
        """Return what to say of the cycle after which the account stands there."""
        begun = self._last.phase is not Phase.DECIDED  # the next bar was traded in, at least
        n_bars = standing.bar - self._last.bar - int(begun)
        is_first, self._last, self._is_first = self._is_first, standing, False
        if n_bars < 1:
            return ()
        passed = f"{n_bars} bar{'s' if n_bars > 1 else ''} passed while nobody traded"
        if is_first:
            return (f"Passed    {passed}; no order of theirs was sent",)
        return (f"Behind    {passed}; if cycles take longer than bars, lengthen --bar-seconds",)
