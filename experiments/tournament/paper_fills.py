"""What a season knows of fills on paper: what they cost more than the model that it trades by."""

import numpy as np

from benbot.envs.arrays import FloatArray, TimeArray
from benbot.strategies.records import Source, read_records


def paper_slippage(url: str, names: tuple[str, ...], closes: TimeArray) -> FloatArray:
    """Return the mean slippage of each strategy's round trips on paper, bps, (N, K).

    Row i has those that had closed by the i-th of the sessions' closes, so that a season sees no
    fill before its time; 0 before the first, as where nobody trades on paper.
    """
    size = (closes.size + 1, len(names))
    totals, counts = np.zeros(size).ravel(), np.zeros(size).ravel()
    with read_records(url) as records:
        after = 0
        while len(page := records.trades(after=after, source=Source.PAPER)):
            known = page[page["slippage"].notna() & page["strategy"].isin(names)]
            at = np.searchsorted(closes, known["closed"].to_numpy("datetime64[ns]"))
            k = np.array([names.index(name) for name in known["strategy"]], np.int64)
            place = at * len(names) + k
            totals += np.bincount(place, known["slippage"].to_numpy(), totals.size)
            counts += np.bincount(place, minlength=totals.size)
            after = int(page["id"].iloc[-1])
    total, count = (one.reshape(size).cumsum(axis=0)[:-1] for one in (totals, counts))
    mean: FloatArray = np.divide(total, count, out=np.zeros_like(total), where=count > 0.0)
    return mean
