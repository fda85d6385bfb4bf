"""Nobody but the people at this machine sees an account or throws a switch, whatever they send."""

import asyncio
from typing import Any

import pytest

from benbot.envs.errors import InvalidParameter, NotAuthorised
from benbot.experiments.dashboard.door import door
from benbot.experiments.dashboard.guard import FORM, LARGEST
from benbot.experiments.dashboard.sessions import Sessions, Throttle, is_password
from benbot.paper.overview.health import switch
from benbot.paper.store import reading
from tests.experiments.dashboard.browser import HOST, Answer, Browser
from tests.experiments.dashboard.conftest import Making, Watch

PASSWORD = "correct-horse-battery"  # noqa: S105 - a test's
HOME, SWITCH = "/account/replay", "/account/replay/switch"
PAGES = [
    HOME,
    f"{HOME}/pulse",
    f"{HOME}/list/orders",
    f"{HOME}/list/events",
    f"{HOME}/ask/halt",
    "/static/dashboard.css",
    "/static/dashboard.js",
    "/static/icon.svg",
    "/favicon.ico",
    "/",
    "/login",
    "/nowhere",
    "/account/nobody",
]
SVG = 'xmlns="http://www.w3.org/2000/svg"'  # a name, not an address
WANTED = {
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}


def is_halted(url: str) -> bool:
    with reading(url) as connection:
        return switch(connection, "replay").is_halted


def form(browser: Browser, action: str = "halt") -> dict[str, str]:
    """Ask for the form of an action, as a person does."""
    token = browser.get(f"{HOME}/ask/{action}").token()
    return {"action": action, "sure": "yes", "token": token}


def login(browser: Browser, password: str) -> Answer:
    return browser.post("/login", {"password": password})


# Host and address.


@pytest.mark.parametrize("host", [HOST, "localhost:8765", "LOCALHOST:8765"])
def test_a_host_of_ours_is_answered(host: str, browser: Browser) -> None:
    assert browser.get(HOME, host=host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8765",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1.evil:8765",
        "",
        None,
    ],
)
def test_a_host_that_is_not_ours_is_refused(host: str | None, browser: Browser) -> None:
    answer = browser.get(HOME, host=host)
    assert answer.status == 400
    assert "replay" not in answer.text


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.5", "::", "10.0.0.1"])  # noqa: S104
def test_other_addresses_need_a_password(address: str) -> None:
    with pytest.raises(NotAuthorised, match="that others can reach needs a password, was none"):
        door(address, 8765, [], {})
    assert door(address, 8765, [], {"BENBOT_DASHBOARD_PASSWORD": PASSWORD}).password


def test_a_name_needs_a_password_for_a_proxy_brings_others(making: Making) -> None:
    with pytest.raises(NotAuthorised, match=r"needs a password, was none for desk\.example"):
        door("127.0.0.1", 8765, ["desk.example"], {})
    assert making(PASSWORD).get("/login", host="desk.example").status == 200
    assert making().get("/login", host="desk.example").status == 400


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "null", "http://", "//x]"])
def test_an_origin_that_is_none_is_refused_like_a_strangers(origin: str, making: Making) -> None:
    answer = making().post(SWITCH, {"action": "halt"}, origin=origin)
    assert answer.status == 403
    assert answer.header("x-frame-options") == "DENY"


@pytest.mark.parametrize("password", ["short", "with a space in it", "eleven-char"])
def test_a_password_must_be_long(password: str) -> None:
    with pytest.raises(NotAuthorised, match="at least 12") as refused:
        door("127.0.0.1", 8765, [], {"BENBOT_DASHBOARD_PASSWORD": password})
    assert password not in str(refused.value)


@pytest.mark.parametrize("address", ["localhost", "evil", "", "127.0.0.1/8"])
def test_an_address_is_of_numbers(address: str) -> None:
    with pytest.raises(InvalidParameter, match="must be numbers"):
        door(address, 8765, [], {})


# What every answer says.


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_forbids_what_a_page_needs_not(path: str, browser: Browser) -> None:
    answer = browser.get(path)
    assert {name: answer.header(name) for name in WANTED} == WANTED
    policy = answer.header("content-security-policy")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert not [name for name, _ in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_a_script_or_a_style_inside(path: str, browser: Browser) -> None:
    text = browser.get(path).text.lower()
    assert "<style" not in text
    assert " style=" not in text
    assert "<script>" not in text
    assert " onclick" not in text
    own = text.replace("http://127.0.0.1", "").replace(SVG, "")
    assert "http://" not in own


@pytest.mark.parametrize(
    "path", ["/docs", "/redoc", "/openapi.json", "/static/../app.py", "/static/app.py"]
)
def test_nothing_else_is_served(path: str, browser: Browser) -> None:
    assert browser.get(path).status == 404


# Methods and bodies.


@pytest.mark.parametrize(
    "method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD", "CONNECT"]
)
def test_other_methods_are_refused(method: str, browser: Browser, url: str) -> None:
    assert browser.ask(method, SWITCH, b"", {}).status == 405
    assert not is_halted(url)


@pytest.mark.parametrize("path", [SWITCH, f"{SWITCH}?action=halt&sure=yes", "/logout"])
def test_a_get_changes_nothing(path: str, browser: Browser, url: str) -> None:
    assert browser.get(path).status == 405
    assert not is_halted(url)


def test_looking_writes_nothing(browser: Browser, url: str) -> None:
    with reading(url) as connection:
        before = connection.exec_driver_sql("PRAGMA data_version").scalar()
        for path in PAGES:
            browser.get(path)
        connection.rollback()
        assert connection.exec_driver_sql("PRAGMA data_version").scalar() == before


@pytest.mark.parametrize(
    ("length", "status"),
    [(str(LARGEST + 1), 413), ("99999999999999999999", 413), ("-1", 413), ("1e3", 413)],
)
def test_a_large_body_is_refused_unread(length: str, status: int, browser: Browser) -> None:
    assert browser.post(SWITCH, form(browser), content_length=length).status == status


def test_a_body_that_is_longer_than_it_says_is_refused(browser: Browser, url: str) -> None:
    fields = form(browser) | {"sure": "y" * (LARGEST + 1)}
    assert browser.post(SWITCH, fields, content_length=None).status == 413
    assert not is_halted(url)


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data", None])
def test_only_forms_are_taken(kind: str | None, browser: Browser, url: str) -> None:
    assert browser.post(SWITCH, form(browser), content_type=kind).status == 415
    assert not is_halted(url)


@pytest.mark.parametrize(
    "body", [b"a=1&" * 20, b"token=1&token=2", b"other=1", b"\xff=1", b"%ff=1"]
)
def test_a_form_that_is_not_ours_is_refused(body: bytes, browser: Browser, url: str) -> None:
    browser.get(HOME)
    headers = {"origin": f"http://{HOST}", "content-type": FORM, "content-length": str(len(body))}
    assert browser.ask("POST", SWITCH, body, headers).status == 400
    assert not is_halted(url)


def test_a_long_address_is_refused(browser: Browser) -> None:
    assert browser.get(f"/?{'x' * 3000}").status == 414


def test_a_web_socket_is_closed(browser: Browser) -> None:
    said: list[Any] = []

    async def receive() -> Any:  # noqa: ANN401
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:  # noqa: ANN401
        said.append(message)

    asyncio.run(browser.app({"type": "websocket", "headers": []}, receive, send))
    assert [one["type"] for one in said] == ["websocket.close"]


@pytest.mark.parametrize("path", PAGES)
def test_head_is_answered_as_get_is(path: str, browser: Browser) -> None:
    assert browser.ask("HEAD", path, b"", {}).status == browser.get(path).status


# Forgery.


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://127.0.0.1",
        "http://127.0.0.1:80",
        f"http://{HOST}.evil",
        "file://",
        "",
        None,
    ],
)
def test_a_form_of_another_page_is_refused(origin: str | None, browser: Browser, url: str) -> None:
    assert browser.post(SWITCH, form(browser), origin=origin).status == 403
    assert not is_halted(url)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_a_form_that_came_from_elsewhere_is_refused(site: str, browser: Browser, url: str) -> None:
    assert browser.post(SWITCH, form(browser), sec_fetch_site=site).status == 403
    assert not is_halted(url)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"token": ""}, 403),
        ({"token": "0" * 64}, 403),
        ({"token": "é"}, 403),
        ({"action": "stop"}, 403),
        ({"sure": ""}, 400),
        ({"sure": "no"}, 400),
        ({"action": "sell everything"}, 400),
    ],
)
def test_a_form_is_of_one_session_and_one_action(
    changed: dict[str, str], status: int, browser: Browser, url: str
) -> None:
    assert browser.post(SWITCH, form(browser) | changed).status == status
    assert not is_halted(url)


def test_a_form_of_another_session_is_refused(making: Making, url: str) -> None:
    one, other = making(), making()
    other.app, other.cookies = one.app, {}
    fields = form(one)
    other.get(HOME)
    assert other.post(SWITCH, fields).status == 403
    one.cookies = {}
    assert one.post(SWITCH, fields).status == 401
    assert not is_halted(url)


# Who comes in.


@pytest.mark.parametrize("path", [HOME, "/", f"{HOME}/list/orders", f"{HOME}/ask/halt"])
def test_pages_are_behind_the_password(path: str, making: Making) -> None:
    answer = making(PASSWORD).get(path)
    assert (answer.status, answer.header("location")) == (303, "/login")
    assert not answer.header("set-cookie")


def test_the_pulse_is_behind_the_password(making: Making) -> None:
    assert making(PASSWORD).get(f"{HOME}/pulse").status == 401


def test_switches_are_behind_the_password(making: Making, url: str) -> None:
    answer = making(PASSWORD).post(SWITCH, {"action": "halt", "sure": "yes", "token": "0"})
    assert answer.status == 401
    assert not is_halted(url)


@pytest.mark.parametrize(
    "wrong", ["", "correct-horse-batter", f"{PASSWORD}x", "é", PASSWORD.upper()]
)
def test_a_wrong_password_opens_nothing(wrong: str, making: Making) -> None:
    browser = making(PASSWORD)
    assert login(browser, wrong).status == 403
    assert browser.get(HOME).status == 303


def test_the_password_opens_and_leaving_closes(making: Making) -> None:
    browser = making(PASSWORD)
    cookie = login(browser, PASSWORD).header("set-cookie")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    page, kept = browser.get(HOME), dict(browser.cookies)
    assert page.status == 200
    assert PASSWORD not in page.text
    assert browser.post("/logout", {"token": "0"}).status == 403
    assert browser.post("/logout", {"token": page.token()}).status == 303
    browser.cookies = kept
    assert browser.get(HOME).status == 303


@pytest.mark.parametrize("origin", ["http://evil.example", None])
def test_nobody_else_logs_in_for_us(origin: str | None, making: Making) -> None:
    assert making(PASSWORD).post("/login", {"password": PASSWORD}, origin=origin).status == 403


def test_guessing_is_slow(making: Making, watch: Watch) -> None:
    browser = making(PASSWORD)
    for _ in range(Throttle.FREE):
        assert login(browser, "wrong").status == 403
    assert login(browser, PASSWORD).status == 429
    other = Browser(browser.app, client="10.0.0.9")
    assert login(other, PASSWORD).status == 303
    watch.seconds += 2.0
    assert login(browser, PASSWORD).status == 303


def test_waits_double_and_many_addresses_do_not_help(watch: Watch) -> None:
    throttle = Throttle(watch)
    for _ in range(Throttle.FREE + 3):
        throttle.fail("a")
    assert throttle.wait("a") == 8.0
    for i in range(Throttle.FREE_IN_ALL):
        throttle.fail(f"b{i}")
    assert throttle.wait("never seen") > 1.0


def test_wrong_passwords_are_forgotten_after_a_quiet_hour(watch: Watch) -> None:
    """Or fifty of all time would let one more keep everybody out for a quarter of an hour."""
    throttle = Throttle(watch)
    for i in range(Throttle.FREE_IN_ALL + 20):
        throttle.fail(f"a{i}")
    watch.seconds += Throttle.LONGEST + Throttle.FORGOTTEN + 1.0
    throttle.fail("b")
    assert throttle.wait("never seen") == 0.0
    watch.seconds += Throttle.FORGOTTEN - 1.0
    for i in range(Throttle.FREE_IN_ALL):
        throttle.fail(f"c{i}")
    assert throttle.wait("never seen") > 0.0


@pytest.mark.parametrize("spoilt", ["", "x", "a.b.c", "é", "1.99999999999.0"])
def test_a_cookie_that_we_did_not_sign_is_none(spoilt: str, watch: Watch) -> None:
    assert not Sessions(b"key", watch).knows(spoilt)


def test_a_session_ends(watch: Watch) -> None:
    sessions = Sessions(b"key", watch)
    cookie = sessions.open()
    assert sessions.knows(cookie)
    assert not Sessions(b"other", watch).knows(cookie)
    name, ends, signature = cookie.split(".")
    assert not sessions.knows(f"{name}.{int(ends) + 9}.{signature}")
    watch.seconds += 12 * 3600.0 + 1.0
    assert not sessions.knows(cookie)


def test_passwords_are_compared_whole() -> None:
    assert is_password("é" * 12, "é" * 12)
    assert not is_password("é" * 11, "é" * 12)


# Secrets.


def test_an_error_says_no_password_of_the_store(making: Making) -> None:
    store = "postgresql://trader:canary-secret@127.0.0.1:1/none?password=canary-two"
    answer = making(store=store).get(HOME)
    assert answer.status == 503
    assert "canary" not in answer.text
