"""What an equivariant network is made of, as torch and numpy both need to know it."""

from typing import Literal, NamedTuple

RECORD = "record_mean"  # the feature that the prior scores strategies by

# Below 1 a Dirichlet density is infinite wherever a weight is zero, and one sample near there is
# all that the next gradient sees.
FLOOR = 1.0
FIRST_SPREAD = 2.0  # what is shared out above the floor, per entry, before training changes it
SCORE_SCALE = 3.0  # shares are softmax(scale × score), as those of Gaussian actions are

Exchange = Literal["mean", "attention", "none"]
DistributionName = Literal["dirichlet", "gaussian"]


class Body(NamedTuple):
    """The units of a token, what strategies tell each other, and whether records speak."""

    width: int
    exchange: Exchange
    record_prior: bool
