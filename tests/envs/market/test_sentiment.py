"""Scorers: by name, within their range, stored without code, refused where they are not there."""

import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from benbot.envs.errors import BadConfig, InvalidParameter
from benbot.envs.market.news_settings import NewsSettings
from benbot.envs.market.sentiment import open_scorer, vader_scorer
from benbot.envs.market.sentiment_linear import (
    CARD,
    LOOSENESS,
    TENSORS,
    LinearScorer,
    fit_linear,
    load_linear,
    plain,
    save_linear,
)
from benbot.envs.market.synthetic_news import BAD, GOOD

TEXTS = (
    *("upgrade for the maker of pumps", "upgrade and record sales", "record sales again"),
    *("downgrade for the maker of pumps", "downgrade and weak sales", "weak sales again"),
    *("the maker of pumps meets today", "the meeting is today", "a meeting again today"),
)
LABELS = np.repeat([2, 0, 1], 3)


@pytest.fixture(scope="module")
def linear() -> LinearScorer:
    return fit_linear(TEXTS, LABELS, {"why": "a test"})


def test_vader_understands_what_synthetic_news_say() -> None:
    score = vader_scorer()
    assert (score([f"SYN001 {said} cables in Malta" for said in GOOD]) > 0.1).all()
    assert (score([f"SYN001 {said} cables in Malta" for said in BAD]) < -0.1).all()


def test_the_linear_scorer_learns_words_and_pairs(linear: LinearScorer) -> None:
    scores = linear.score(["upgrade", "downgrade", "nothing that it knows", "today"])
    assert scores[0] > 0.3
    assert scores[1] < -0.3
    assert np.abs(scores[2:]).max() < 1e-6
    assert "record sales" in linear.vocabulary
    assert "upgrade for" not in linear.vocabulary  # in one text only
    assert linear.score([]).shape == (0,)


def test_the_linear_scorer_is_that_of_scikit_learn(linear: LinearScorer) -> None:
    vectorizer = TfidfVectorizer(
        preprocessor=plain, ngram_range=(1, 2), sublinear_tf=True, min_df=2
    )
    rows = vectorizer.fit_transform(TEXTS)
    model = LogisticRegression(C=LOOSENESS, class_weight="balanced", max_iter=2000)
    model.fit(rows, LABELS)
    others = ["record upgrade", "weak pumps", "today"]
    expected = model.predict_proba(vectorizer.transform(others))
    np.testing.assert_allclose(linear.probability(others), expected, rtol=0, atol=1e-12)


def test_the_score_of_a_text_does_not_depend_on_the_others(linear: LinearScorer) -> None:
    alone = np.array([linear.score([text])[0] for text in TEXTS])
    np.testing.assert_array_equal(alone, linear.score(TEXTS))


def test_links_tickers_and_numbers_are_forgotten() -> None:
    assert plain("$BYND up 12.5% https://t.example/a1") == " cashtag  up  0 %  "


def test_a_stored_scorer_is_the_same_and_so_is_one_trained_again(
    linear: LinearScorer, tmp_path: Path
) -> None:
    save_linear(linear, tmp_path / "one")
    save_linear(fit_linear(TEXTS, LABELS, {"why": "a test"}), tmp_path / "two")
    for name in (CARD, TENSORS):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    read = load_linear(tmp_path / "one")
    np.testing.assert_array_equal(read.score(TEXTS), linear.score(TEXTS))
    assert read.facts == {"why": "a test"}
    named = open_scorer(NewsSettings(scorer="linear", model=str(tmp_path / "one")))
    np.testing.assert_array_equal(named(TEXTS), linear.score(TEXTS))


def test_a_damaged_scorer_is_refused(linear: LinearScorer, tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="needs a folder with"):
        load_linear(tmp_path)
    save_linear(linear, tmp_path)
    card = json.loads((tmp_path / CARD).read_text())
    (tmp_path / CARD).write_text(json.dumps(card | {"vocabulary": ["one"]}))
    with pytest.raises(BadConfig, match=r"must be finite numbers \(1,\)"):
        load_linear(tmp_path)
    (tmp_path / CARD).write_text(json.dumps(card | {"format": 0}))
    with pytest.raises(BadConfig, match="of format 1"):
        load_linear(tmp_path)
    (tmp_path / CARD).write_text(json.dumps(card))
    (tmp_path / TENSORS).write_bytes(b"cut off")
    with pytest.raises(BadConfig, match="both whole"):
        load_linear(tmp_path)


def test_what_nothing_can_be_learned_from_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="had none that is neutral"):
        fit_linear(TEXTS[:6], LABELS[:6], {})
    with pytest.raises(InvalidParameter, match="needs words that 2 of its 3 texts share"):
        fit_linear(["one", "two", "three"], np.array([0, 1, 2]), {})


TRANSFORMER = NewsSettings(scorer="transformers", model="some/classifier")


def test_transformers_that_are_not_installed_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benbot.envs.market.sentiment.find_spec", lambda name: None)
    with pytest.raises(BadConfig, match=r"not installed. Install benbot\[sentiment\]"):
        open_scorer(TRANSFORMER)


def stand_in(monkeypatch: pytest.MonkeyPatch, labels: Sequence[str]) -> list[Any]:
    """Put a library in the place of transformers; return what its classifier is asked."""
    asked: list[Any] = []

    def pipeline(task: str, model: str, model_kwargs: dict[str, Any]) -> Any:  # noqa: ANN401
        assert (task, model) == ("text-classification", "some/classifier")
        assert model_kwargs == {"use_safetensors": True}

        def classify(texts: list[str], **kwargs: Any) -> list[Any]:  # noqa: ANN401
            asked.append(texts)
            shares = (0.7, 0.2, 0.1)
            return [
                [{"label": label, "score": s} for label, s in zip(labels, shares, strict=True)]
                for _ in texts
            ]

        return classify

    module = ModuleType("transformers")
    module.pipeline = pipeline  # type: ignore[attr-defined]
    module.__spec__ = importlib.util.spec_from_loader("transformers", None)
    monkeypatch.setitem(sys.modules, "transformers", module)
    return asked


def test_a_transformer_scores_good_less_bad_and_each_text_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = stand_in(monkeypatch, ("Positive", "negative", "neutral"))
    score = open_scorer(TRANSFORMER)
    assert score(["a", "b", "a"]) == pytest.approx([0.5, 0.5, 0.5])
    assert score(["b"]) == pytest.approx([0.5])
    assert asked == [["a", "b"]]


def test_a_transformer_with_other_labels_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, ("LABEL_0", "LABEL_1", "LABEL_2"))
    with pytest.raises(BadConfig, match="labels positive and negative, was LABEL_0, LABEL_1"):
        open_scorer(TRANSFORMER)(["a"])
