"""Behind a proxy with a certificate, sessions are kept to TLS, and forms come from there alone."""

import pytest

from benbot.envs.errors import InvalidParameter, NotAuthorised
from benbot.experiments.dashboard.app import Times, dashboard
from benbot.experiments.dashboard.door import door
from tests.experiments.dashboard.browser import HOST, Answer, Browser
from tests.experiments.dashboard.conftest import NOW, Making, Watch
from tests.experiments.dashboard.test_security import (
    HOME,
    PAGES,
    PASSWORD,
    SWITCH,
    WANTED,
    is_halted,
)

DESK = "desk.example.org"
ORIGIN = f"https://{DESK}"
ENVIRONMENT = {"BENBOT_DASHBOARD_PASSWORD": PASSWORD}


@pytest.fixture
def behind(url: str, watch: Watch) -> Browser:
    """A dashboard behind a proxy, whose password the browser knows already."""
    opened = door("127.0.0.1", 8765, [], ENVIRONMENT, ORIGIN)
    browser = Browser(dashboard(url, None, opened, Times(lambda: NOW, watch)))
    assert come_in(browser).status == 303
    return browser


def come_in(browser: Browser, host: str = DESK, origin: str = ORIGIN) -> Answer:
    return browser.post("/login", {"password": PASSWORD}, host=host, origin=origin)


def halt(browser: Browser, host: str, origin: str) -> Answer:
    token = browser.get(f"{HOME}/ask/halt", host=host).token()
    form = {"action": "halt", "sure": "yes", "token": token}
    return browser.post(SWITCH, form, host=host, origin=origin)


def test_a_session_is_a_cookie_for_tls_and_that_host_alone(behind: Browser) -> None:
    cookie = behind.get(HOME, host=DESK).header("set-cookie")
    assert cookie.startswith("__Host-benbot8765=")
    assert {"Secure", "HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    token = behind.get(HOME, host=DESK).token()
    gone = behind.post("/logout", {"token": token}, host=DESK, origin=ORIGIN).header("set-cookie")
    assert gone.startswith('__Host-benbot8765=""')
    assert "Secure" in gone


def test_without_an_origin_a_cookie_is_as_it_was(making: Making) -> None:
    cookie = making().get(HOME).header("set-cookie")
    assert cookie.startswith("benbot8765=")
    assert "Secure" not in cookie


@pytest.mark.parametrize("host", [f"{DESK}:443", DESK.upper()])
def test_the_proxy_may_ask_by_its_name_and_forms_come_from_its_origin(
    host: str, behind: Browser, url: str
) -> None:
    assert behind.get(HOME, host=host).status == 200
    assert halt(behind, host, ORIGIN).status == 303
    assert is_halted(url)


def test_a_proxy_may_ask_by_our_own_name(behind: Browser, url: str) -> None:
    assert halt(behind, HOST, ORIGIN).status == 303
    assert is_halted(url)


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        (DESK, f"http://{DESK}"),
        (DESK, f"{ORIGIN}:8443"),
        (DESK, f"http://{HOST}"),
        (DESK, "https://evil.example"),
        (DESK, "null"),
        (HOST, f"http://{DESK}"),
        (HOST, "https://desk.example.org.evil"),
    ],
)
def test_a_form_from_elsewhere_is_refused(
    host: str, origin: str, behind: Browser, url: str
) -> None:
    assert halt(behind, host, origin).status == 403
    assert not is_halted(url)


@pytest.mark.parametrize(
    "host", ["example.org", f"{DESK}:80", f"{DESK}:8443", f"evil.{DESK}", "127.0.0.1", f"{DESK}."]
)
def test_no_other_host_is_answered(host: str, behind: Browser) -> None:
    assert behind.get(HOME, host=host).status == 400


def test_what_a_proxy_says_of_itself_is_not_believed(making: Making, behind: Browser) -> None:
    told = {"x_forwarded_proto": "https", "x_forwarded_host": DESK, "forwarded": "proto=https"}
    assert "Secure" not in making().get(HOME, **told).header("set-cookie")
    assert behind.get(HOME, host="evil.example", **told).status == 400


def test_every_answer_is_as_strict_as_ever(behind: Browser) -> None:
    for path in PAGES:
        answer = behind.get(path, host=DESK)
        assert {name: answer.header(name) for name in WANTED} == WANTED
        assert "default-src 'none'" in answer.header("content-security-policy")
        assert "unsafe" not in answer.header("content-security-policy")
        text = answer.text.lower()
        assert not [one for one in ("<style", " style=", "<script>", " onclick") if one in text]


def test_an_origin_needs_a_password_for_it_brings_others() -> None:
    with pytest.raises(NotAuthorised, match=r"was none for https://desk\.example\.org"):
        door("127.0.0.1", 8765, [], {}, ORIGIN)


@pytest.mark.parametrize(
    ("origin", "hosts"),
    [
        ("https://Desk.example.org", {DESK, f"{DESK}:443"}),
        ("https://desk.example.org:443", {DESK, f"{DESK}:443"}),
        ("https://desk.example.org:8443", {f"{DESK}:8443"}),
        ("https://[::1]:8443", {"[::1]:8443"}),
        ("https://127.0.0.1", {"127.0.0.1", "127.0.0.1:443"}),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(origin: str, hosts: set[str]) -> None:
    tls = door("127.0.0.1", 8765, [], ENVIRONMENT, origin).tls
    assert tls is not None
    assert tls.hosts == hosts
    assert tls.origin == origin.lower().removesuffix(":443")


@pytest.mark.parametrize(
    "origin",
    [
        "http://desk.example.org",
        "desk.example.org",
        "https://desk.example.org/",
        "https://desk.example.org/path",
        "https://desk.example.org?a",
        "https://desk.example.org#a",
        "https://user:word@desk.example.org",
        "https://desk.example.org:0x1",
        "https://desk.example.org:99999",
        "https://desk.example.org:",
        "https://*.example.org",
        "https://",
        "https://[::1",
        "https://a b",
        "",
    ],
)
def test_an_origin_is_tls_with_a_name_and_no_more(origin: str) -> None:
    with pytest.raises(InvalidParameter, match=r"https://NAME:PORT and no more, was") as refused:
        door("127.0.0.1", 8765, [], ENVIRONMENT, origin)
    assert "word" not in str(refused.value)


# Ports that browsers leave out.


def test_port_80_is_answered_as_browsers_ask_for_it(url: str, watch: Watch) -> None:
    name = "localhost"
    opened = door("127.0.0.1", 80, [], {})
    browser = Browser(dashboard(url, None, opened, Times(lambda: NOW, watch)))
    for host in (name, f"{name}:80"):
        assert browser.get(HOME, host=host).status == 200
    assert browser.get(HOME, host="evil.example").status == 400
    assert browser.get(HOME, host=f"{name}:8765").status == 400
    assert halt(browser, name, f"http://{name}").status == 303
    assert is_halted(url)


def test_any_other_port_must_be_named() -> None:
    assert {"127.0.0.1", "localhost", "[::1]"} < door("127.0.0.1", 80, [], {}).hosts
    assert "localhost" not in door("127.0.0.1", 443, [], {}).hosts
    assert "localhost" not in door("127.0.0.1", 8080, [], {}).hosts
