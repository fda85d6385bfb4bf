"""Whether a failed order was refused, or whether nobody knows, and why it was refused.

Refused, for good: status 400, 403, 404, 422 and 429, and only when the answer is Alpaca's own.
Anything else (no answer, a broken one, 408, 409, any 5xx) says nothing about the order.
"""

from benbot.envs.errors import NotAuthorised, OrderRefused, OutcomeUnknown, TradingError
from benbot.paper.alpaca.wire import TOO_MANY, CallFailed
from benbot.paper.venue import Refusal

DEFINITIVE = (400, 403, 404, 422)
# Codes are shared by refusals that mean different things, so the words decide. The first that fits.
WORDS = (
    ("client_order_id must be unique", Refusal.DUPLICATE),
    ("insufficient qty", Refusal.NOT_HELD),
    ("wash trade", Refusal.WASH_TRADE),
    ("buying power", Refusal.BUYING_POWER),
    ("insufficient balance", Refusal.BUYING_POWER),
    ("pattern day trading", Refusal.DAY_TRADING),
    ("day trad", Refusal.DAY_TRADING),
    ("intraday margin", Refusal.DAY_TRADING),
    ("sold short", Refusal.NOT_SHORTABLE),
    ("not shortable", Refusal.NOT_SHORTABLE),
    ("short selling", Refusal.NOT_SHORTABLE),
    ("easy to borrow", Refusal.NOT_SHORTABLE),
    ("restricted to liquidation", Refusal.RESTRICTED),
    ("rejected by user request", Refusal.RESTRICTED),
    ("not allowed for account", Refusal.RESTRICTED),
    ("account is not allowed", Refusal.RESTRICTED),
    ("account blocked", Refusal.RESTRICTED),
    ("not tradable", Refusal.NOT_TRADABLE),
    ("is not active", Refusal.NOT_TRADABLE),
    ("halt", Refusal.NOT_TRADABLE),
    ("asset", Refusal.NOT_TRADABLE),
    ("symbol", Refusal.NOT_TRADABLE),
    ("sub-penny", Refusal.MALFORMED),
    ("must be", Refusal.MALFORMED),
    ("is required", Refusal.MALFORMED),
    ("invalid", Refusal.MALFORMED),
)


def refusal_of(message: str) -> Refusal:
    """Return the reason that Alpaca's words give."""
    words = message.lower()
    return next((refusal for part, refusal in WORDS if part in words), Refusal.OTHER)


def as_order_error(failure: CallFailed) -> TradingError:
    """Return what whoever sent an order should hear of this failure."""
    if failure.is_unauthorised:
        return NotAuthorised(f"Alpaca does not know these keys ({failure}). Make new ones")
    if failure.status == TOO_MANY:
        return OrderRefused(str(failure), Refusal.RATE_LIMITED, failure.retry_after)
    if failure.status in DEFINITIVE and failure.is_json and failure.message:
        return OrderRefused(failure.message, refusal_of(failure.message))
    return OutcomeUnknown(f"nobody knows whether the order arrived ({failure}). Ask for it")
