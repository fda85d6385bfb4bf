"""The keys of an Alpaca paper account."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from benbot.envs.errors import NotAuthorised
from benbot.paper.secrets import secret_from

KEY, SECRET = "APCA_API_KEY_ID", "APCA_API_SECRET_KEY"
LIVE_PREFIX = "AK"  # of the keys of accounts with real money; those of paper accounts have PK


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
    return AlpacaKeys(secret_from(environment, KEY), secret_from(environment, SECRET))
