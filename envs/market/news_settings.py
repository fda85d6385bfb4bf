"""How news become facts of a market: where they come from, who scores them, how fast they fade.

Half-lives and windows are in bars, so that one set of rules serves days and minutes.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from benbot.envs.settings import Settings

ScorerName = Literal["vader", "linear", "transformers"]
# After so many half-lives an item counts for a thousandth and is forgotten, so that a live feed
# needs to know this much and no more.
HALF_LIVES_KEPT = 10


class NewsSettings(Settings):
    """What is made of items of news, wherever they come from."""

    scorer: ScorerName = Field(
        default="vader",
        description="who tells good from bad news: vader needs nothing, linear a folder that "
        "benbot sentiment train wrote, transformers the extra of that name and a model",
    )
    model: str | None = Field(
        default=None, description="folder of the linear scorer; folder or name of a transformer"
    )
    with_body: bool = Field(
        default=False, description="score headline and body together, not the headline alone"
    )
    mood_half_life: float = Field(default=2.0, gt=0, le=10_000, description="bars")
    intensity_half_life: float = Field(default=2.0, gt=0, le=10_000, description="bars")
    usual_bars: int = Field(
        default=120, ge=2, le=100_000, description="earlier bars that say how many items are usual"
    )
    novelty_bars: int = Field(
        default=20, ge=1, le=100_000, description="earlier bars in which the same was not yet said"
    )

    @model_validator(mode="after")
    def _whole_scorer(self) -> Self:
        if self.scorer == "vader" and self.model is not None:
            raise ValueError(f"scorer vader has no model, was {self.model}. Remove model")
        if self.scorer != "vader" and self.model is None:
            raise ValueError(
                f"scorer {self.scorer} needs a model, was none. Set model, or scorer: vader"
            )
        return self

    @property
    def memory(self) -> int:
        """Bars before the present one whose items can still matter."""
        longest = max(self.mood_half_life, self.intensity_half_life)
        return max(kept_bars(longest) + self.novelty_bars, self.usual_bars)


class NewsFiles(NewsSettings):
    """News from files of one's own."""

    path: Path = Field(description="a .jsonl or .parquet file, or a folder of them")
    ignore_unknown: bool = Field(
        default=False, description="leave out symbols that the market does not have"
    )
    ignore_later: bool = Field(
        default=False, description="leave out items published after the market's last bar"
    )


class SyntheticNews(NewsSettings):
    """News that are drawn with a synthetic market, some of which say what is to come.

    An informative item announces a move of its symbol that begins with the next bar; the others are
    noise, and read the same. In a market without an edge all are noise.
    """

    items_per_year: float = Field(default=24.0, gt=0, le=252, description="for each symbol")
    informative: float = Field(
        default=0.5, ge=0, le=1, description="share of the items that announce a move"
    )
    move: float = Field(
        default=1.0,
        ge=0,
        le=10,
        description="announced in all, in a symbol's own volatilities of a bar",
    )
    move_half_life: float = Field(default=3.0, gt=0, le=250, description="bars, of what is to come")
    reprinted: float = Field(
        default=0.2, ge=0, le=1, description="share of the items that appear again in the next bar"
    )


def kept_bars(half_life: float) -> int:
    """Return for how many bars after its own an item still counts."""
    return max(1, round(HALF_LIVES_KEPT * half_life))
