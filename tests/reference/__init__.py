"""A second desk, slow and plain, written from the law of the desk (`docs/desk.md`) alone.

It shares no code with `envs/desk` but the rules and the names of reasons, so that wherever both
agree, trade by trade, the law was read the same way twice. Each file is one part of the law, each
function one of its sections or gates. Look for speed elsewhere.
"""

from tests.reference.story import Story, trade_market

__all__ = ["Story", "trade_market"]
