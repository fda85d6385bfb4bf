"""Secrets of this process, hidden in whatever it says at its end."""

import os
import sys
import traceback
from types import TracebackType


def hidden(text: str) -> str:
    """Return a text without what the environment and the arguments hold of secrets."""
    from benbot.paper.secrets import Redaction, secrets_in

    arguments = {f"argument {i}": argument for i, argument in enumerate(sys.argv)}
    return Redaction(secrets_in({**os.environ, **arguments})).hidden(text)


def show_error(
    kind: type[BaseException], error: BaseException, where: TracebackType | None
) -> None:
    """Print what nobody caught, as Python does, without secrets."""
    sys.stderr.write(hidden("".join(traceback.format_exception(kind, error, where))))
