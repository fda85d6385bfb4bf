"""Everything this project raises on purpose."""


class TradingError(Exception):
    """Root of the family, so that a caller can catch ours and nothing else."""


class InvalidParameter(TradingError, ValueError):
    """A number outside the range in which it means anything."""


class UnknownName(TradingError, LookupError):
    """A strategy, reward, source or configuration key that does not exist."""


class BadMarketData(TradingError, ValueError):
    """Prices that are missing, unsorted, not positive, or contradict each other."""


class BadConfig(TradingError, ValueError):
    """A configuration that cannot mean what its author wanted."""


class InvalidWeights(TradingError, ValueError):
    """Weights that are not a point of the simplex and cannot be made one."""


class TrackingUnavailable(TradingError, OSError):
    """The place where runs are recorded cannot be read or written."""


class RunMismatch(TradingError, ValueError):
    """A stored run or policy that does not fit what it is asked to do."""


class DiedOut(TradingError, RuntimeError):
    """A population of which too few are left to breed."""


class BadProgram(TradingError, ValueError):
    """A program that is no typed expression within the limits of the language."""
