"""Teaching a scorer: reprints stay together, the figures are right, and bad files are refused."""

import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from benbot.envs.errors import BadMarketData, InvalidParameter
from benbot.envs.market.sentiment_linear import load_linear
from benbot.experiments.cli import main
from benbot.experiments.sentiment.training import (
    Labelled,
    classes_of,
    hold_out,
    judgement_of,
    read_labelled,
    score,
    train,
)

NAMES = ("bearish", "neutral", "Bullish")
KINDS = (
    ("cut", "falls", "weak", "warns"),
    ("meets", "today", "agenda", "opens"),
    ("raise", "soars", "record", "beats"),
)
THINGS = ("pumps", "paper", "tyres", "chips", "toys", "cranes")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """72 headlines of three classes whose words tell them apart."""
    rows = [
        (f"{one} {other} {thing}", name)
        for name, words in zip(NAMES, KINDS, strict=True)
        for i, one in enumerate(words)
        for other in words[i + 1 :]
        for thing in THINGS[:4]
    ]
    path = tmp_path_factory.mktemp("headlines") / "headlines.parquet"
    pd.DataFrame(rows, columns=["text", "label_name"]).to_parquet(path)
    return path


def quiet() -> Console:
    return Console(file=io.StringIO(), width=100)


def test_a_scorer_is_learned_judged_and_stored(file: Path, tmp_path: Path) -> None:
    console = quiet()
    judged = {one.name: one for one in train(file, tmp_path / "out", 0.25, 0, console)}
    assert judged["linear"].accuracy == judged["linear"].macro_f1 == 1.0
    assert judged["majority"].accuracy == pytest.approx(1 / 3)
    assert judged["majority"].macro_f1 == pytest.approx(1 / 6)  # 2 × 6 / (2 × 6 + 12) in one class
    assert 1 / 3 <= judged["vader"].accuracy < 1.0
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "Learned from 54 texts" in said
    assert "negative 33.3%, neutral 33.3%, positive 33.3%" in said
    facts = load_linear(tmp_path / "out").facts
    assert facts["held_out"] == {"texts": 18, "share": 0.25, "seed": 0}
    again = score(file, tmp_path / "out", quiet())
    assert again[0].accuracy == 1.0


def test_the_same_seed_gives_the_same_bytes_and_another_other_ones(
    file: Path, tmp_path: Path
) -> None:
    for folder, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(file, tmp_path / folder, 0.25, seed, quiet())
    stored = [(tmp_path / name / "scorer.json").read_bytes() for name in "abc"]
    assert stored[0] == stored[1] != stored[2]


def test_reprints_are_on_one_side_and_classes_keep_their_shares() -> None:
    texts = [f"{'x' * (i // 2)} again https://x.example/{i}" for i in range(400)]
    labels = np.array([0, 0, 1, 1, 1, 1, 2, 2] * 50)
    held = hold_out(Labelled(tuple(texts), labels), 0.2, 4)
    np.testing.assert_array_equal(held[::2], held[1::2])
    assert np.bincount(labels[held]).tolist() == [20, 40, 20]


@pytest.mark.parametrize("share", [0.0, 1.0, float("nan"), 0.001])
def test_a_share_that_leaves_nothing_is_refused(share: float) -> None:
    labelled = Labelled(("one", "two", "three"), np.array([0, 1, 2]))
    with pytest.raises(InvalidParameter, match="holdout must"):
        hold_out(labelled, share, 0)


def test_judgements_by_hand() -> None:
    labels, told = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1])
    one = judgement_of("one", told, labels)
    assert one.accuracy == 0.5
    assert one.macro_f1 == pytest.approx((2 / 3 + 2 / 4 + 0.0) / 3)
    assert classes_of(np.array([-1.0, -0.05, 0.049, 0.0, 0.05]), 0.05).tolist() == [0, 0, 1, 1, 2]


def refusal(frame: pd.DataFrame, tmp_path: Path) -> str:
    frame.to_csv(tmp_path / "bad.csv", index=False)
    with pytest.raises(BadMarketData) as caught:
        read_labelled(tmp_path / "bad.csv")
    return str(caught.value)


def test_bad_files_are_refused(tmp_path: Path) -> None:
    good = pd.DataFrame({"headline": ["up", "down"], "label": ["positive", "NEGATIVE"]})
    good.to_json(tmp_path / "good.jsonl", orient="records", lines=True)
    assert read_labelled(tmp_path / "good.jsonl").labels.tolist() == [2, 0]
    assert "row 2: every headline needs a text, was empty" in refusal(
        good.assign(headline=["up", None]), tmp_path
    )
    numbers = refusal(good.assign(label=[0, 1]), tmp_path)
    assert "row 1: every headline needs a label among negative" in numbers
    assert "Name the classes in a column label_name" in numbers
    assert "a column label_name or label is needed" in refusal(good[["headline"]], tmp_path)
    with pytest.raises(BadMarketData, match="labelled headlines must be a"):
        read_labelled(tmp_path / "nowhere.csv")
    (tmp_path / "broken.parquet").write_text("no")
    with pytest.raises(BadMarketData, match="a whole file that can be read"):
        read_labelled(tmp_path / "broken.parquet")


def test_the_command_trains_and_scores(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "model")
    for words in (("train", str(file), "--out", out), ("score", str(file), "--model", out)):
        monkeypatch.setattr(sys, "argv", ["benbot", "sentiment", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        assert "macro-F1" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["benbot", "sentiment", "score", str(file), "--model", "no"])
    with pytest.raises(SystemExit):
        main()
    assert "benbot: a linear scorer needs a folder" in capsys.readouterr().err
