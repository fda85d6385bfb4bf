"""The keys of an Alpaca paper account: from the environment alone, and never shown.

`APCA_API_KEY_ID` and `APCA_API_SECRET_KEY` hold them, or name files that do with `_FILE` behind.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from benbot.envs.errors import NotAuthorised

KEY, SECRET = "APCA_API_KEY_ID", "APCA_API_SECRET_KEY"
LIVE_PREFIX = "AK"  # of the keys of accounts with real money; those of paper accounts have PK
HIDDEN = "**********"


@dataclass(frozen=True, slots=True)
class AlpacaKeys:
    """What Alpaca knows an account by; printing it prints stars."""

    key: SecretStr
    secret: SecretStr

    def __post_init__(self) -> None:
        if self.key.get_secret_value().startswith(LIVE_PREFIX):
            raise NotAuthorised(
                f"{KEY} must be the key of a paper account, was one of an account with real money. "
                "Make keys on the paper page of Alpaca's dashboard"
            )


def keys_from(environment: Mapping[str, str]) -> AlpacaKeys:
    """Return the keys that the environment holds or names the files of."""
    return AlpacaKeys(_secret(environment, KEY), _secret(environment, SECRET))


def _secret(environment: Mapping[str, str], name: str) -> SecretStr:
    value, file = environment.get(name, ""), environment.get(f"{name}_FILE", "")
    if file and not value:
        try:
            value = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise NotAuthorised(
                f"{name}_FILE must name a readable text file, was {file}"
            ) from error
    value = value.strip()
    if not (value.isascii() and value.isprintable() and value and " " not in value):
        was = "something else" if value else "nothing"
        raise NotAuthorised(
            f"{name} must be set to a key of an Alpaca paper account, was {was}. Set it, or "
            f"{name}_FILE, in the environment; no file of settings takes it"
        )
    return SecretStr(value)


class Redaction(logging.Filter):
    """Puts stars in place of the keys in whatever is logged, with what was raised."""

    def __init__(self, keys: AlpacaKeys) -> None:
        super().__init__()
        self._secrets = tuple(one.get_secret_value() for one in (keys.key, keys.secret))

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record, and let it pass."""
        record.msg, record.args = self.hidden(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = self.hidden(logging.Formatter().formatException(record.exc_info))
        if record.stack_info:
            record.stack_info = self.hidden(record.stack_info)
        return True

    def hidden(self, text: str) -> str:
        """Return a text without the keys."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text


def hide_in_logs(keys: AlpacaKeys, handlers: Iterable[logging.Handler]) -> None:
    """Let no handler write the keys; handlers, because a logger's filter misses its children."""
    redaction = Redaction(keys)
    for handler in handlers:
        handler.addFilter(redaction)
