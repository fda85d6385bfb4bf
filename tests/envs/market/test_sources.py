"""One door leads to every market, and the word `source` says which it is."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from benbot.envs.market.datasets import DatasetSource
from benbot.envs.market.files import FilesSource
from benbot.envs.market.sources import MarketSource, load_market
from benbot.envs.market.synthetic_source import SyntheticSource

ANY: TypeAdapter[MarketSource] = TypeAdapter(MarketSource)


def test_each_word_leads_to_its_source(tmp_path: Path) -> None:
    (tmp_path / "A.csv").write_text("date,close\n2020-01-02,5\n", encoding="utf-8")
    files = ANY.validate_python({"source": "files", "path": str(tmp_path / "A.csv")})
    dataset = ANY.validate_python({"source": "dataset", "start": "2022-12-27"})
    synthetic = ANY.validate_python({"source": "synthetic", "n_bars": 30})
    assert isinstance(files, FilesSource)
    assert isinstance(dataset, DatasetSource)
    assert isinstance(synthetic, SyntheticSource)
    np.testing.assert_array_equal(load_market(files).close, [[5.0]])
    assert load_market(dataset).n_bars == 2
    assert load_market(synthetic).n_bars == 30


def test_an_unknown_word_and_an_unknown_key_are_refused() -> None:
    with pytest.raises(ValidationError, match="'dataset', 'files', 'synthetic'"):
        ANY.validate_python({"source": "yahoo"})
    with pytest.raises(ValidationError, match="start_date"):
        ANY.validate_python({"source": "dataset", "start_date": "2020-01-01"})


def test_a_source_survives_being_written_as_json() -> None:
    source = FilesSource(path=Path("prices.csv"), symbols=("A",), sectors={"A": "Energy"})
    assert ANY.validate_json(ANY.dump_json(source)) == source
