"""What `training:` of a configuration says: the markets to learn on, and the share of each."""

from collections.abc import Sequence
from fractions import Fraction
from math import floor
from typing import Annotated, Literal, Self
from zlib import crc32

from pydantic import Field, field_validator, model_validator

from benbot.envs.errors import UnknownName
from benbot.envs.market.synthetic_ranges import check_ranges, draw_source
from benbot.envs.market.synthetic_source import SyntheticSource
from benbot.envs.settings import Settings

Weight = Annotated[float, Field(ge=0, le=1e6, description="share of the accounts, of any sum")]
Label = Annotated[str, Field(description="name, where a source is given twice")]


class FitMarket(Settings):
    """The stretch `fit` of the experiment's own market."""

    source: Literal["fit"] = "fit"
    weight: Weight = 1.0
    label: Label = ""

    @property
    def n(self) -> int:
        return 1


class BootstrapMarkets(Settings):
    """Other histories made of the bars of `fit` and its warm-up, in blocks of sessions."""

    source: Literal["bootstrap"] = "bootstrap"
    weight: Weight = 1.0
    label: Label = ""
    block: int = Field(63, ge=1, le=100_000, description="mean length of a block, sessions")
    n: int = Field(4, ge=1, le=1_000, description="different draws, which share the weight")


class SyntheticMarkets(SyntheticSource):
    """Synthetic markets, each with parameters of its own; what has no range is as given here."""

    weight: Weight = 1.0
    label: Label = ""
    n: int = Field(4, ge=1, le=1_000, description="different draws, which share the weight")
    seed: int = Field(0, ge=0, exclude=True, description="none; training.seed decides")
    ranges: dict[str, tuple[float, float]] = Field(
        default_factory=dict,
        description="low and high of parameters that are drawn for each market; those of a hidden "
        "regime are named by it, as decline.drift",
    )

    @model_validator(mode="after")
    def _drawable(self) -> Self:
        if "seed" in self.model_fields_set:
            raise ValueError("the seed of training markets is training.seed, was given. Remove it")
        try:
            check_ranges(self, self.ranges)
        except UnknownName as error:
            raise ValueError(str(error)) from error
        return self


TrainingMarkets = Annotated[
    FitMarket | BootstrapMarkets | SyntheticMarkets, Field(discriminator="source")
]


class TrainingSettings(Settings):
    """The markets that the accounts of a training are shared out over.

    They are a function of the configuration, and the same for every training seed: what differs
    between seeds is the agent, and preparation is shared.
    """

    markets: tuple[TrainingMarkets, ...] = Field(
        min_length=1, description="on each its share of agent.n_envs, by the largest remainder"
    )
    seed: int = Field(0, ge=0, lt=2**63, description="of what is drawn: blocks and parameters")

    @field_validator("markets")
    @classmethod
    def _weighed(cls, markets: tuple[TrainingMarkets, ...]) -> tuple[TrainingMarkets, ...]:
        total = sum(each.weight for each in markets)
        if not total > 0.0:
            raise ValueError(f"weights must sum to something positive, was {total:g}")
        names = [name for each in markets for name in {name_of(each), *names_of(each)}]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                f"every entry needs a name of its own, was twice: {', '.join(twice)}. Give one of "
                "them a label, or a larger n"
            )
        return markets

    @model_validator(mode="after")
    def _drawn(self) -> Self:
        """Draw the parameters once, so that a combination that cannot be is refused here."""
        for each in self.markets:
            if isinstance(each, SyntheticMarkets):
                for i in range(each.n):
                    source_of(self, each, i)
        return self


def name_of(markets: TrainingMarkets) -> str:
    return markets.label or markets.source


def names_of(markets: TrainingMarkets) -> list[str]:
    """Return the name of every single market of an entry."""
    own = name_of(markets)
    return [own] if isinstance(markets, FitMarket) else [f"{own} {i + 1}" for i in range(markets.n)]


def words_of(training: TrainingSettings, markets: TrainingMarkets, i: int) -> tuple[int, ...]:
    """Return what the i-th draw of an entry is a function of."""
    return training.seed, crc32(name_of(markets).encode()), i


def source_of(training: TrainingSettings, markets: SyntheticMarkets, i: int) -> SyntheticSource:
    """Return the i-th synthetic market of an entry."""
    return draw_source(markets, markets.ranges, words_of(training, markets, i))


def shared_accounts(training: TrainingSettings, n_envs: int) -> dict[str, int]:
    """Return how many of `n_envs` accounts each market has, by its name.

    By the largest remainder: the sum is exact and no market is a whole account away from its share,
    whatever the order of the entries. Refuses to leave a market without any.
    """
    weights = {
        name: Fraction(each.weight) / each.n for each in training.markets for name in names_of(each)
    }
    total = sum(weights.values())
    shares = {name: n_envs * weight / total for name, weight in weights.items()}
    accounts = {name: floor(share) for name, share in shares.items()}
    # Where remainders are equal the shorter name is first, so that 9 comes before 10.
    by_remainder = sorted(shares, key=lambda name: (accounts[name] - shares[name], len(name), name))
    for name in by_remainder[: n_envs - sum(accounts.values())]:
        accounts[name] += 1
    without = [name for name, n in accounts.items() if not n]
    if without:
        raise ValueError(
            f"each of {len(accounts)} training markets needs an account, was {n_envs} accounts "
            f"(agent.n_envs) and none for {', '.join(without[:3])}, whose share is "
            f"{float(shares[without[0]]):.2f}. Raise agent.n_envs, lower n or raise the weight"
        )
    return accounts


def check_informed(training: TrainingSettings, needing: Sequence[str]) -> None:
    """Refuse synthetic markets without the news that strategies need."""
    for each in training.markets:
        if needing and isinstance(each, SyntheticMarkets) and each.news is None:
            raise ValueError(
                f"{', '.join(needing)} needs news in every market, was without in {name_of(each)} "
                f"of training.markets. Give it news: {{}}, or leave it out"
            )
