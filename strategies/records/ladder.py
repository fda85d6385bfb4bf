"""Where each strategy stands."""

import json

import pandas as pd
from sqlalchemy import Connection, select, update

from benbot.envs.errors import BadRecord
from benbot.strategies.records.moments import times_of
from benbot.strategies.records.registration import ids_of
from benbot.strategies.records.stages import Stage, stage_of
from benbot.strategies.records.tables import CHANGES, STRATEGIES

Step = tuple[str | None, str]  # from which stage to which; None is that of the newly registered


def move(connection: Connection, name: str, step: Step, moment: int) -> None:
    """Move a strategy to another stage; refuse it where it stands elsewhere than was thought."""
    source, target = step
    number = ids_of(connection, [name])[name]
    stands = connection.execute(
        select(STRATEGIES.c.stage).where(STRATEGIES.c.id == number)
    ).scalar_one()
    if stands != (None if source is None else stage_of(source)):
        raise BadRecord(
            f"a strategy must be moved from the stage at which it stands, {name} stands at "
            f"{stands or 'none'}, was to be moved from {source or 'none'}"
        )
    connection.execute(
        update(STRATEGIES)
        .where(STRATEGIES.c.id == number)
        .values(stage=stage_of(target), since=moment)
    )


def read_ladder(connection: Connection) -> pd.DataFrame:
    """Return every strategy with its stage and since when, the highest stage first."""
    columns = (
        *(STRATEGIES.c[name] for name in ("name", "stage", "since", "family", "origin")),
        *(STRATEGIES.c[name] for name in ("digest", "parameters", "parents")),
        CHANGES.c.moment.label("registered"),
    )
    result = connection.execute(select(*columns).select_from(STRATEGIES.join(CHANGES)))
    frame = pd.DataFrame(result.all(), columns=list(result.keys()))
    frame = frame.rename(columns={"name": "strategy"})
    for name in ("parameters", "parents"):
        frame[name] = [json.loads(text) for text in frame[name]]
    since = frame["since"].isna()
    frame["since"] = times_of(frame["since"].fillna(0).to_numpy()).mask(since)
    frame["registered"] = times_of(frame["registered"].to_numpy())
    order = {None: len(Stage)} | {stage.value: rank for rank, stage in enumerate(_FROM_THE_TOP)}
    rank = [order[stage if isinstance(stage, str) else None] for stage in frame["stage"]]
    return (
        frame.assign(rank=rank)
        .sort_values(["rank", "strategy"], ignore_index=True)
        .drop(columns="rank")
    )


_FROM_THE_TOP = (Stage.LIVE, Stage.R3, Stage.R2, Stage.R1, Stage.RETIRED)
