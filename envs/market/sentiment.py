"""Who tells good news from bad: scorers by name, each a function of texts alone.

A score lies in [-1, 1], from bad to good; 0 is neutral, or nothing that the scorer understands. The
score of a text must not depend on the other texts, or later news would change earlier ones.

vader         a list of words with the mood of each, and rules for negation and emphasis: Hutto and
              Gilbert (2014), VADER, ICWSM. Made for social media; it knows little of finance
linear        learned from labelled headlines; see `sentiment_linear`
transformers  any text classifier of that library whose labels say positive and negative
"""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import BadConfig
from benbot.envs.market.news_settings import NewsSettings
from benbot.envs.market.sentiment_linear import KINDS, load_linear

Scorer = Callable[[Sequence[str]], FloatArray]


def open_scorer(settings: NewsSettings) -> Scorer:
    """Return the scorer that the settings name; refuse one that is not there."""
    match settings.scorer:
        case "vader":
            return vader_scorer()
        case "linear":
            return load_linear(Path(settings.model or "")).score
        case "transformers":
            return transformer_scorer(settings.model or "")


def vader_scorer() -> Scorer:
    """Return VADER's compound score."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyser = SentimentIntensityAnalyzer()

    def score(texts: Sequence[str]) -> FloatArray:
        return np.array([analyser.polarity_scores(text)["compound"] for text in texts])

    return score


def transformer_scorer(model: str) -> Scorer:
    """Return P(positive) - P(negative) of a classifier in a folder, or of a public one by name.

    Weights are read as safetensors only, which hold numbers and no code.
    """
    if find_spec("transformers") is None:
        raise BadConfig(
            "scorer transformers needs the library of that name, which is not installed. Install "
            "benbot[sentiment], or set scorer to vader or linear"
        )
    from transformers import pipeline

    try:
        classify = pipeline(
            "text-classification", model=model, model_kwargs={"use_safetensors": True}
        )
    except (OSError, ValueError) as error:
        raise BadConfig(
            f"scorer transformers needs a text classifier with safetensors, was {model}: {error}"
        ) from error

    known: dict[str, float] = {}  # an audit asks for the same texts many times

    def score(texts: Sequence[str]) -> FloatArray:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        answers = classify(new, top_k=None, truncation=True) if new else []
        known.update(zip(new, (_balance(answer, model) for answer in answers), strict=True))
        return np.array([known[text] for text in texts])

    return score


def _balance(answer: list[dict[str, Any]], model: str) -> float:
    shares = {KINDS.get(str(one["label"]).casefold()): float(one["score"]) for one in answer}
    if not {"positive", "negative"} <= set(shares):
        labels = ", ".join(str(one["label"]) for one in answer)
        raise BadConfig(f"{model} must have the labels positive and negative, was {labels}")
    return shares["positive"] - shares["negative"]
