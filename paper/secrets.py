"""Secrets: taken from the environment alone, and never shown.

The variable holds one, or the variable with `_FILE` behind it names a file that does.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from benbot.envs.errors import NotAuthorised

HIDDEN = "**********"
IN_A_FILE = "_FILE"
TELLING = ("KEY", "KEY_ID", "SECRET", "TOKEN", "PASSWORD", "WEBHOOK_URL")  # ends of names
SHORTEST = 6  # characters of what is hidden wherever it stands; shorter is in every other word
A_KEY = "a key of a paper account"


def is_set(environment: Mapping[str, str], name: str) -> bool:
    """Return whether the environment holds a secret or names a file of it."""
    return bool(environment.get(name) or environment.get(name + IN_A_FILE))


def secret_from(environment: Mapping[str, str], name: str, what: str = A_KEY) -> SecretStr:
    """Return a secret that the environment holds or names the file of; printing it prints stars.

    `what` it is, for whoever has to set it.
    """
    value, file = environment.get(name, ""), environment.get(name + IN_A_FILE, "")
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
            f"{name} must be set to {what}, was {was}. Set it, or {name}_FILE, "
            "in the environment; no file of settings takes it"
        )
    return SecretStr(value)


def secrets_in(environment: Mapping[str, str]) -> tuple[SecretStr, ...]:
    """Return all that looks like a secret, for whoever hides them.

    That is what variables hold whose names end like one, what files hold that they name, and
    passwords in addresses. Nothing is refused here; what cannot be read is no secret of ours.
    """
    found: set[str] = set()
    for name, value in environment.items():
        if name.endswith(TELLING):
            found |= {value.strip()}
        elif name.endswith(tuple(end + IN_A_FILE for end in TELLING)):
            found |= {_content(value)}
        found |= set(_passwords(value))
    return tuple(SecretStr(text) for text in sorted(found) if len(text) >= SHORTEST)


def _content(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError, ValueError):
        return ""


def _passwords(address: str) -> Iterator[str]:
    try:
        password = urlsplit(address).password if "@" in address else None
    except ValueError:
        password = None
    if password:
        yield from (password, unquote(password))


class Redaction(logging.Filter):
    """Puts stars in place of secrets in whatever is logged, what was raised included."""

    def __init__(self, secrets: Iterable[SecretStr]) -> None:
        super().__init__()
        values = {secret.get_secret_value() for secret in secrets}
        self._secrets = sorted(values, key=len, reverse=True)  # one may be a part of another

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record, and let it pass."""
        record.msg, record.args = self.hidden(record.getMessage()), ()
        if record.exc_info:  # what another filter hid stays hidden
            said = record.exc_text or logging.Formatter().formatException(record.exc_info)
            record.exc_text = self.hidden(said)
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
