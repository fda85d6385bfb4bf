"""A file of minutes that can be checked by hand, and how it is read."""

from pathlib import Path

import pytest

from benbot.envs.errors import BadMarketData
from benbot.envs.market.files import FilesSource, load_files
from benbot.envs.market.market import Market

NEW_YORK = "America/New_York"
HAND = """ts,symbol,open,high,low,close,volume,spread
2020-01-02 09:29,A,99,99,99,99,1,0.5
2020-01-02 09:30,A,10,12,9,11,100,0.001
2020-01-02 09:31,A,11,15,11,14,200,
2020-01-02 09:34,A,13,13,8,12,300,0.003
2020-01-02 09:35,A,20,21,19,20,400,
2020-01-02 09:44,A,22,24,22,23,500,
"""


def load(path: Path, **rules: object) -> Market:
    return load_files(FilesSource.model_validate({"path": path, "timezone": NEW_YORK, **rules}))


def refusal(path: Path, **rules: object) -> str:
    with pytest.raises(BadMarketData) as refused:
        load(path, **rules)
    return str(refused.value.args[0])


def written(folder: Path, text: str, name: str = "minutes.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
