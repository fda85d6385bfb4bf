"""What an equivariant network is made of, as torch and numpy both need to know it."""

from typing import Literal, NamedTuple

# The multiple that a prior begins with. A forecast is in units of its own and has earned its trust,
# so that an untrained policy already follows it; a record begins with nothing.
FIRST_PRIOR = {"forecast": 2.7, "record_mean": 0.0}
AS_TOLD = ("forecast",)  # features that are not normalised: where nothing is foreseen, 0 is said

# Below 1 a Dirichlet density is infinite wherever a weight is zero, and one sample near there is
# all that the next gradient sees.
FLOOR = 1.0
FIRST_SPREAD = 2.0  # what is shared out above the floor, per entry, before training changes it
SCORE_SCALE = 3.0  # shares are softmax(scale × score), as those of Gaussian actions are

Prior = Literal["forecast", "record_mean", "none"]
Exchange = Literal["mean", "attention", "none"]
DistributionName = Literal["dirichlet", "gaussian"]


class Body(NamedTuple):
    """The units of a token, what strategies tell each other, and which feature speaks at once."""

    width: int
    exchange: Exchange
    prior: Prior
