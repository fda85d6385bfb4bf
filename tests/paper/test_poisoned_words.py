"""What Alpaca writes can be kept and shown, whatever characters it is of."""

import pytest

from benbot.envs.errors import OrderRefused
from benbot.paper.venue import OrderIntent, Side
from tests.paper.scenes import Emulated

POISON = "no\\u0000 \\ud800 \\u001b[31m" + "x" * 10_000  # as JSON has it


def test_the_words_of_a_refusal_can_be_kept(alpaca: Emulated) -> None:
    alpaca.emulator.fail("status", status=422, body=f'{{"code": 1, "message": "{POISON}"}}')
    with pytest.raises(OrderRefused) as refused:
        alpaca.venue.submit(OrderIntent("bb-1", "UP", Side.BUY, 1.0))
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) <= 500


def test_the_words_of_an_account_that_may_not_open_can_be_kept(alpaca: Emulated) -> None:
    body = f'{{"equity": "1", "cash": "1", "account_number": "PA1", "status": "{POISON}"}}'
    alpaca.emulator.fail("body", body=body)
    account = alpaca.venue.account()
    assert not account.may_open
    assert account.note.isprintable()
