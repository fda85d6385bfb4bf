"""Whom messages may go to, and that no refusal repeats an address."""

from pathlib import Path

import pytest

from benbot.envs.errors import BadConfig, NotAuthorised
from benbot.paper.notify.destination import Format, destinations_of, webhook

CANARY = "canary7f3a9c"
SLACK = f"https://hooks.slack.com/services/T0/B0/{CANARY}"
DISCORD = f"https://discord.com/api/webhooks/123/{CANARY}"
TELEGRAM = {"BENBOT_TELEGRAM_TOKEN": f"123:{CANARY}", "BENBOT_TELEGRAM_CHAT": "-100123"}


@pytest.mark.parametrize(
    ("url", "wanted", "expected"),
    [
        (SLACK, "", Format.SLACK),
        (DISCORD, "", Format.DISCORD),
        (DISCORD + "?thread_id=7", "slack", Format.DISCORD),
        ("http://127.0.0.1:9/x", "", Format.JSON),
        ("http://localhost:9/x", "slack", Format.SLACK),
        ("https://[::1]:9/x", "discord", Format.DISCORD),
    ],
)
def test_a_service_is_known_by_its_host(url: str, wanted: str, expected: Format) -> None:
    to = webhook(url, wanted)
    assert to.format is expected
    assert to.address + to.path.get_secret_value() == url


@pytest.mark.parametrize(
    "url",
    [
        f"http://hooks.slack.com/services/{CANARY}",
        f"https://hooks.slack.com.evil.example/services/{CANARY}",
        f"https://hooks.slack.com@evil.example/{CANARY}",
        f"https://me:{CANARY}@hooks.slack.com/services/x",
        f"https://hooks.slack.com:8443/{CANARY}",
        f"https://hooks.slack.com/services/x#{CANARY}",
        f"https://discord.com/{CANARY}",
        "https://discord.com/api/webhooks/",
        "https://hooks.slack.com",
        f"https://evil.example/{CANARY}",
        f"http://10.0.0.1/{CANARY}",
        f"http://127.0.0.1.evil.example/{CANARY}",
        f"http://[::1/{CANARY}",
        f"http://127.0.0.1:99999999/{CANARY}",
        f"file:///{CANARY}",
        CANARY,
    ],
)
def test_no_other_address_is_told_and_none_is_repeated(url: str) -> None:
    with pytest.raises(BadConfig, match="must be a webhook of Slack") as refusal:
        webhook(url)
    assert CANARY not in str(refusal.value)


def test_nobody_is_told_where_the_environment_names_nobody() -> None:
    assert destinations_of({}) == ()


def test_addresses_and_tokens_come_from_files_too(tmp_path: Path) -> None:
    file = tmp_path / "hook"
    file.write_text(f"{SLACK}\n")
    slack, telegram = destinations_of({"BENBOT_WEBHOOK_URL_FILE": str(file), **TELEGRAM})
    assert str(slack) == "slack at hooks.slack.com"
    assert str(telegram) == "telegram at api.telegram.org"
    assert telegram.path.get_secret_value() == f"/bot123:{CANARY}/sendMessage"


def test_printing_a_destination_shows_neither_path_nor_chat() -> None:
    (to,) = destinations_of(TELEGRAM)
    assert CANARY not in f"{to} {to!r}"
    assert "-100123" not in f"{to} {to!r}"


@pytest.mark.parametrize("url", [SLACK, DISCORD, DISCORD + "?thread_id=123456789"])
def test_each_part_of_an_address_that_gives_it_away_is_a_secret(url: str) -> None:
    texts = {one.get_secret_value() for one in webhook(url).secrets}
    assert {url, CANARY} <= texts
    assert not {"services", "webhooks", "thread_id"} & texts


def test_both_halves_of_a_token_are_hidden() -> None:
    (to,) = destinations_of(TELEGRAM)
    texts = {one.get_secret_value() for one in to.secrets}
    assert CANARY in texts
    assert "sendMessage" not in texts


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"BENBOT_TELEGRAM_TOKEN": CANARY}, BadConfig, "must be the token of a bot"),
        ({"BENBOT_TELEGRAM_TOKEN": f"1:{CANARY}/../x"}, BadConfig, "must be the token of a bot"),
        ({"BENBOT_TELEGRAM_TOKEN": "a b"}, NotAuthorised, "must be set to the token of a bot"),
        ({"BENBOT_TELEGRAM_CHAT": ""}, BadConfig, "number of a chat .* was nothing"),
        ({"BENBOT_TELEGRAM_CHAT": "@no no"}, BadConfig, "number of a chat"),
        ({"BENBOT_TELEGRAM_URL": "https://evil.example"}, BadConfig, "the address must be"),
        ({"BENBOT_WEBHOOK_URL": "http://[::1]:9/", "BENBOT_WEBHOOK_FORMAT": "x"}, BadConfig, "one"),
        ({"BENBOT_WEBHOOK_URL_FILE": "/nowhere"}, NotAuthorised, "must name a text file"),
    ],
)
def test_what_cannot_be_is_refused_and_not_shown(
    change: dict[str, str], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message) as refusal:
        destinations_of(TELEGRAM | change)
    assert CANARY not in str(refusal.value)
