"""Secrets: taken from the environment alone, and never shown.

The variable holds one, or the variable with `_FILE` behind it names a file that does.
"""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import SecretStr

from benbot.envs.errors import NotAuthorised

HIDDEN = "**********"


def secret_from(environment: Mapping[str, str], name: str) -> SecretStr:
    """Return a secret that the environment holds or names the file of; printing it prints stars."""
    value, file = environment.get(name, ""), environment.get(f"{name}_FILE", "")
    if file and not value:
        try:
            value = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise NotAuthorised(
                f"{name}_FILE must name a text file that can be read, was {file}"
            ) from error
    value = value.strip()
    if not (value.isascii() and value.isprintable() and value and " " not in value):
        was = "something that is none" if value else "nothing"
        raise NotAuthorised(
            f"{name} must be set to a key of a paper account, was {was}. Set it, or {name}_FILE, "
            "in the environment; no file of settings takes it"
        )
    return SecretStr(value)


class Redaction(logging.Filter):
    """Puts stars in place of secrets in whatever is logged, what was raised included."""

    def __init__(self, secrets: Iterable[SecretStr]) -> None:
        super().__init__()
        self._secrets = tuple(secret.get_secret_value() for secret in secrets)

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record, and let it pass."""
        record.msg, record.args = self.hidden(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = self.hidden(logging.Formatter().formatException(record.exc_info))
        if record.stack_info:
            record.stack_info = self.hidden(record.stack_info)
        return True

    def hidden(self, text: str) -> str:
        """Return a text without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text


def hide_in_logs(secrets: Iterable[SecretStr], handlers: Iterable[logging.Handler]) -> None:
    """Let no handler write a secret; handlers, because a logger's filter misses its children."""
    redaction = Redaction(secrets)
    for handler in handlers:
        handler.addFilter(redaction)
