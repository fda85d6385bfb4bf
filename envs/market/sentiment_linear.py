"""A scorer learned from labelled headlines: words and pairs of words, one weight for each class.

TF-IDF of single words and pairs, then a multinomial logistic regression, both by scikit-learn. The
score of a headline is P(positive) - P(negative). Classes weigh the same in the fit however many
headlines each has; else the many neutral ones would drown the others.

It is stored as JSON and safetensors, which hold words and numbers and can run no code.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray
from benbot.envs.errors import BadConfig, InvalidParameter

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer

CLASSES = ("negative", "neutral", "positive")
# What labelled files and classifiers call them.
KINDS = {
    **dict.fromkeys(("negative", "bearish", "bad"), "negative"),
    "neutral": "neutral",
    **dict.fromkeys(("positive", "bullish", "good"), "positive"),
}
FORMAT = 1
CARD, TENSORS = "scorer.json", "scorer.safetensors"
LOOSENESS = 10.0  # inverse of the ridge penalty; between 3 and 30 the choice hardly matters
FEWEST_TEXTS = 2  # that must have a word or pair, else it is as good as a name
MOST_ITERATIONS = 2_000
# Whose ticker it is, which page and which number say nothing that holds next year.
FORGOTTEN = (
    (re.compile(r"https?://\S+"), " "),
    (re.compile(r"\$[A-Za-z][A-Za-z.]*"), " cashtag "),
    (re.compile(r"\d[\d,.]*"), " 0 "),
)


@dataclass(frozen=True, eq=False)
class LinearScorer:
    """Weights of V words and pairs for each of the classes; facts about its making as JSON.

    inverse_frequency  (V,)    ln((1 + n) / (1 + n with the word)) + 1 of the n texts learned from
    weight             (3, V)
    intercept          (3,)
    """

    vocabulary: tuple[str, ...]
    inverse_frequency: FloatArray
    weight: FloatArray
    intercept: FloatArray
    facts: dict[str, Any]

    def __post_init__(self) -> None:
        size = len(self.vocabulary)
        shapes = {"inverse_frequency": (size,), "weight": (len(CLASSES), size), "intercept": (3,)}
        for name, shape in shapes.items():
            values = getattr(self, name)
            if values.shape != shape or not np.isfinite(values).all():
                raise InvalidParameter(
                    f"{name} of a linear scorer must be finite numbers {shape}, was {values.shape}"
                )

    def probability(self, texts: Sequence[str]) -> FloatArray:
        """Return how likely each class is, [N, 3]; of a text without known words by the rest."""
        from scipy.special import softmax

        if not texts:
            return np.zeros((0, len(CLASSES)))
        vectorizer = _vectorizer(vocabulary={word: i for i, word in enumerate(self.vocabulary)})
        vectorizer.idf_ = self.inverse_frequency
        logits = vectorizer.transform(texts) @ self.weight.T + self.intercept
        answer: FloatArray = softmax(logits, axis=1)
        return answer

    def score(self, texts: Sequence[str]) -> FloatArray:
        """Return P(positive) - P(negative) of each text, (N,)."""
        share = self.probability(texts)
        balance: FloatArray = share[:, 2] - share[:, 0]
        return balance


def fit_linear(texts: Sequence[str], labels: IntArray, facts: dict[str, Any]) -> LinearScorer:
    """Return the scorer that texts and their labels, indices of CLASSES (N,), teach.

    The same texts in the same order give the same numbers.
    """
    from sklearn.linear_model import LogisticRegression

    missing = sorted(set(range(len(CLASSES))) - set(labels.tolist()))
    if missing:
        raise InvalidParameter(
            f"a linear scorer learns from texts of all classes, {', '.join(CLASSES)}; had none "
            f"that is {CLASSES[missing[0]]}"
        )
    vectorizer = _vectorizer(min_df=FEWEST_TEXTS)
    try:
        rows = vectorizer.fit_transform(texts)
    except ValueError as error:
        raise InvalidParameter(
            f"a linear scorer needs words that {FEWEST_TEXTS} of its {len(texts)} texts share: "
            f"{error}"
        ) from error
    model = LogisticRegression(C=LOOSENESS, class_weight="balanced", max_iter=MOST_ITERATIONS).fit(
        rows, labels
    )
    vocabulary = tuple(str(word) for word in vectorizer.get_feature_names_out())
    return LinearScorer(vocabulary, vectorizer.idf_, model.coef_, model.intercept_, facts)


def save_linear(scorer: LinearScorer, folder: Path) -> None:
    """Write a scorer into a folder, which is made."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    names = ("inverse_frequency", "weight", "intercept")
    save_file(
        {name: np.ascontiguousarray(getattr(scorer, name)) for name in names}, folder / TENSORS
    )
    card = {"format": FORMAT, **scorer.facts, "vocabulary": list(scorer.vocabulary)}
    (folder / CARD).write_text(json.dumps(card, indent=1, ensure_ascii=False), encoding="utf-8")


def load_linear(folder: Path) -> LinearScorer:
    """Read a scorer; refuse one that is damaged, incomplete or of another format."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        if card.pop("format") != FORMAT:
            raise BadConfig(f"{folder / CARD} must be of format {FORMAT}. Train the scorer again")
        vocabulary = tuple(card.pop("vocabulary"))
        return LinearScorer(vocabulary, **load_file(folder / TENSORS), facts=card)
    except (
        OSError,
        UnicodeDecodeError,
        json.JSONDecodeError,
        SafetensorError,
        AttributeError,
        InvalidParameter,
        KeyError,
        TypeError,
    ) as error:
        raise BadConfig(
            f"a linear scorer needs a folder with {CARD} and {TENSORS}, both whole, as benbot "
            f"sentiment train writes it; {folder} was not ({error})"
        ) from error


def plain(text: str) -> str:
    """Return a text in small letters without what is forgotten."""
    for pattern, instead in FORGOTTEN:
        text = pattern.sub(instead, text)
    return text.casefold()


def _vectorizer(**kwargs: Any) -> "TfidfVectorizer":  # noqa: ANN401
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(preprocessor=plain, ngram_range=(1, 2), sublinear_tf=True, **kwargs)
