"""Where calls may go, what they may cost, and that nobody sees a key."""

import io
import logging
from pathlib import Path

import pytest
from pydantic import SecretStr

from benbot.envs.errors import BadConfig, NotAuthorised
from benbot.paper.address import DATA, PAPER, SANDBOX, address_of
from benbot.paper.alpaca.keys import AlpacaKeys, keys_from
from benbot.paper.secrets import Redaction, hide_in_logs, secret_from

CANARY = "canary-7f3a9c"
ENVIRONMENT = {"APCA_API_KEY_ID": "PK123", "APCA_API_SECRET_KEY": CANARY}


@pytest.mark.parametrize(
    "url", [PAPER, "http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:9"]
)
def test_paper_and_this_machine_may_be_called(url: str) -> None:
    assert address_of(url) == url


@pytest.mark.parametrize("public", [DATA, SANDBOX])
def test_each_service_has_its_own_host(public: str) -> None:
    assert address_of(public, public) == public
    with pytest.raises(BadConfig, match=f"the address must be {PAPER}"):
        address_of(public)


@pytest.mark.parametrize(
    "url",
    [
        "",
        " ",
        "paper-api.alpaca.markets",
        "http://paper-api.alpaca.markets",
        "https://paper-api.alpaca.markets/",
        "https://paper-api.alpaca.markets/v2",
        "https://paper-api.alpaca.markets:8443",
        "https://paper-api.alpaca.markets.evil.example",
        "https://paper-api.alpaca.markets@evil.example",
        "https://me:password@paper-api.alpaca.markets",
        "https://evil.example?https://paper-api.alpaca.markets",
        "https://evil.example#https://paper-api.alpaca.markets",
        "http://127.0.0.1.evil.example",
        "http://127.0.0.1:8080/path",
        "http://127.0.0.1:99999999",
        "http://10.0.0.1:8080",
        "http://0.0.0.0:8080",
        "file:///etc/passwd",
        "ftp://127.0.0.1",
        "http://[::1",
    ],
)
def test_no_other_address_may_be_called(url: str) -> None:
    with pytest.raises(BadConfig, match="the address must be"):
        address_of(url)


@pytest.mark.parametrize(
    "url", ["https://api.alpaca.markets", "https://API.alpaca.markets", "https://api.tradier.com"]
)
def test_an_address_of_real_money_is_refused_as_such(url: str) -> None:
    with pytest.raises(BadConfig, match="where real money is traded"):
        address_of(url)


def test_a_password_in_an_address_is_not_repeated() -> None:
    with pytest.raises(BadConfig) as refusal:
        address_of(f"https://me:{CANARY}@evil.example")
    assert CANARY not in str(refusal.value)


def test_keys_come_from_the_environment() -> None:
    keys = keys_from(ENVIRONMENT)
    assert keys.key.get_secret_value() == "PK123"
    assert keys.secret.get_secret_value() == CANARY


def test_keys_come_from_files_that_the_environment_names(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{CANARY}\n")
    keys = keys_from({"APCA_API_KEY_ID": "PK123", "APCA_API_SECRET_KEY_FILE": str(file)})
    assert keys.secret.get_secret_value() == CANARY


@pytest.mark.parametrize("value", ["", " ", "a b", "a\x00b", "schlüssel", f"{CANARY}\nmore"])
def test_what_cannot_be_a_key_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(NotAuthorised, match="APCA_API_SECRET_KEY must be set") as refusal:
        keys_from(ENVIRONMENT | {"APCA_API_SECRET_KEY": value})
    assert CANARY not in str(refusal.value)


def test_a_file_of_a_key_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotAuthorised, match=r"TOKEN_FILE must name a text file .*nowhere"):
        secret_from({"TOKEN_FILE": str(tmp_path / "nowhere")}, "TOKEN")


def test_a_key_of_real_money_is_refused() -> None:
    with pytest.raises(NotAuthorised, match="was one of an account with real money") as refusal:
        keys_from(ENVIRONMENT | {"APCA_API_KEY_ID": f"AK{CANARY}"})
    assert CANARY not in str(refusal.value)


def test_printed_keys_are_stars() -> None:
    keys = AlpacaKeys(SecretStr("PK123"), SecretStr(CANARY))
    assert CANARY not in f"{keys} {keys!r} {keys.secret}"


def test_the_stack_of_a_record_does_not_show_keys() -> None:
    record = logging.LogRecord("any", logging.INFO, "file", 1, "said", (), None)
    record.stack_info = f"called with {CANARY}"
    assert Redaction([SecretStr(CANARY)]).filter(record)
    assert CANARY not in record.stack_info


def test_one_filter_keeps_hidden_what_another_hid() -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    hide_in_logs([SecretStr(CANARY)], [handler])
    hide_in_logs([SecretStr("another")], [handler])
    error = RuntimeError(f"{CANARY} another")
    where = (RuntimeError, error, None)
    handler.handle(logging.LogRecord("any", logging.ERROR, "file", 1, "said", (), where))
    assert "RuntimeError: ********** **********" in written.getvalue()


def test_logs_do_not_show_keys_whoever_writes_them() -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    hide_in_logs([SecretStr(CANARY)], [handler])
    logger = logging.getLogger("some.library.of.others")
    logger.addHandler(handler)
    try:
        logger.error("sent %s", {"key": CANARY})
        try:
            raise RuntimeError(CANARY)
        except RuntimeError:
            logger.exception("failed with %s", CANARY, stack_info=True)
    finally:
        logger.removeHandler(handler)
    assert CANARY not in written.getvalue()
    assert "RuntimeError: **********" in written.getvalue()
