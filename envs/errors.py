"""Everything this project raises on purpose."""

from collections.abc import Mapping
from typing import Self


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


class WorkFailed(TradingError, RuntimeError):
    """Units of work that failed, while others were done."""

    @classmethod
    def of(cls, failures: Mapping[str, str], n_units: int) -> Self:
        """Return the error that names each unit that failed, and why."""
        reasons = "; ".join(f"{name}: {why}" for name, why in failures.items())
        return cls(
            f"{len(failures)} of {n_units} units of work failed, the others are kept. {reasons}"
        )


class ClusterUnavailable(TradingError, OSError):
    """A cluster that cannot be reached, or what it takes to reach one."""


class DiedOut(TradingError, RuntimeError):
    """A population of which too few are left to breed."""


class BadProgram(TradingError, ValueError):
    """A program that is no typed expression within the limits of the language."""


class VenueUnavailable(TradingError, ConnectionError):
    """A question that the venue did not answer, or whose answer cannot be read.

    What was asked for is unknown: no positions read is not the same as no positions held.
    `retry_after` is in seconds, None where the venue did not say.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotAuthorised(VenueUnavailable):
    """Keys that are missing, wrong or no longer valid; asking again with them is of no use."""


class OutcomeUnknown(TradingError, TimeoutError):
    """An order, or a cancellation, of which nobody knows whether it arrived: ask before acting."""


class OrderRefused(TradingError, ValueError):
    """An order that does not exist at the venue and never will, and why.

    `reason` is a name that `paper.venue.Refusal` knows; `retry_after` as of `VenueUnavailable`.
    """

    def __init__(self, message: str, reason: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after = retry_after


class RecordsUnavailable(TradingError, OSError):
    """A store of records that cannot be reached, read or written."""


class RecordsHeld(TradingError, RuntimeError):
    """A store that another process writes, or has taken over."""


class RecordsDamaged(TradingError, ValueError):
    """A store whose content is not what was written."""


class BadRecord(TradingError, ValueError):
    """Something that cannot be recorded, because it contradicts itself or what is recorded."""
