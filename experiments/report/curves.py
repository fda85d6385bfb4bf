"""What accounts were worth bar by bar, kept with a run so that it can be judged without trading."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np

from benbot.agents.evaluation import Evaluation
from benbot.envs.arrays import FloatArray, IntArray, TimeArray
from benbot.envs.errors import BadConfig
from benbot.experiments.verdict.statistics import log_returns, pooled, simple_returns

CURVES_FILE = "curves.parquet"
AGENT, BASELINE = "agent/", "baseline/"  # what the names of columns begin with
YEARLY = b"bars_per_year"


@dataclass(frozen=True, eq=False)
class Curves:
    """The accounts of one run over the bars on which it was judged; T bars, T + 1 marks.

    timestamps   (T+1,)     UTC
    fold         (T+1,)     whose policies had traded the bar that ends here; 0 without folds
    agents       equity (T+1,) by seed
    baselines    equity (T+1,) by name
    """

    bars_per_year: float
    timestamps: TimeArray
    fold: IntArray
    agents: Mapping[int, FloatArray]
    baselines: Mapping[str, FloatArray]

    @property
    def n_bars(self) -> int:
        return self.timestamps.size - 1

    def growth_over(self, names: Sequence[str]) -> FloatArray:
        """Return by how much log growth each seed was ahead of baselines, (S, T, B)."""
        own = np.array([log_returns(equity) for equity in self.agents.values()])
        others = np.array([log_returns(self.baselines[name]) for name in names])
        ahead: FloatArray = own[:, :, None] - others.T[None]
        return ahead

    def growth_by_fold(self) -> FloatArray:
        """Return the log growth a year of each seed in each fold, (S, F)."""
        own = np.array([log_returns(equity) for equity in self.agents.values()])
        folds = np.unique(self.fold[1:])
        means = [own[:, self.fold[1:] == number].mean(axis=1) for number in folds]
        return self.bars_per_year * np.stack(means, axis=1)

    def returns(self) -> FloatArray:
        """Return the simple returns of every seed, (T, S)."""
        return np.stack([simple_returns(equity) for equity in self.agents.values()], axis=1)

    def pooled_returns(self) -> FloatArray:
        """Return the simple returns (T,) of one account that gave each seed an equal part."""
        return simple_returns(pooled(list(self.agents.values())))


def curves_of(
    agents: Mapping[int, Evaluation], baselines: Sequence[Evaluation], fold: IntArray | None = None
) -> Curves:
    """Return the curves of evaluations over the same bars."""
    first = next(iter(agents.values()))
    return Curves(
        bars_per_year=first.bars_per_year,
        timestamps=first.timestamps,
        fold=np.zeros(first.equity.size, np.int64) if fold is None else fold,
        agents={seed: one.equity for seed, one in agents.items()},
        baselines={one.name: one.equity for one in baselines},
    )


def equity_digest(equity: FloatArray) -> str:
    """Return sixteen hex digits that change whenever an account was worth anything else."""
    return hashlib.sha256(np.ascontiguousarray(equity, "<f8").tobytes()).hexdigest()[:16]


def curves_as_parquet(curves: Curves) -> bytes:
    """Return the content of a Parquet file: a row per mark, a column per account."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        "timestamp": curves.timestamps,
        "fold": curves.fold,
        **{f"{AGENT}{seed}": equity for seed, equity in curves.agents.items()},
        **{f"{BASELINE}{name}": equity for name, equity in curves.baselines.items()},
    }
    table = pa.table(columns).replace_schema_metadata({YEARLY: repr(curves.bars_per_year)})
    page = BytesIO()
    pq.write_table(table, page)
    return page.getvalue()


def curves_from_parquet(content: bytes) -> Curves:
    """Return what `curves_as_parquet` has written; refuse what it has not."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(BytesIO(content))
        yearly = float((table.schema.metadata or {})[YEARLY])
        columns = {name: table[name].to_numpy() for name in table.column_names}
        agents, baselines = _with(AGENT, columns), _with(BASELINE, columns)
        return Curves(
            bars_per_year=yearly,
            timestamps=columns["timestamp"].astype("datetime64[ns]"),
            fold=columns["fold"].astype(np.int64),
            agents={int(seed): equity for seed, equity in agents.items()},
            baselines=baselines,
        )
    except (pa.ArrowException, KeyError, ValueError) as error:
        raise BadConfig(
            f"{CURVES_FILE} must be one that a training has written, was not ({error})"
        ) from error


def _with(start: str, columns: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    return {
        name.removeprefix(start): values.astype(np.float64)
        for name, values in columns.items()
        if name.startswith(start)
    }
