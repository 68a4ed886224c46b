"""The what-if page's server: who gets in, what it answers, how it ends."""

import http.client
import itertools
import json
import re
import signal
import subprocess
import sys
import threading
import urllib.parse
from contextlib import contextmanager

import pytest

from budget.desk import Desk
from budget.runs import open_session, stored_fit
from budget.serve import serving

JSON = {"Content-Type": "application/json"}


@contextmanager
def running(home, lang="en"):
    """Serve a fitted project in a thread, for as long as the block lasts."""
    session = open_session(home / "budget.yaml")
    site, server, opened = serving(Desk(session, stored_fit(session), lang), lang)
    thread = threading.Thread(target=server.run, args=([opened],), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.should_exit = True
        thread.join(10)
        opened.close()


@pytest.fixture(scope="module")
def site(small_home):
    with running(small_home) as found:
        yield found


def ask(site, method, path, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return found


def let_in(site):
    return {"Cookie": f"{site.cookie}={site.key}", "Origin": f"http://127.0.0.1:{site.port}"}


def act(site, action, **body):
    status, _, content = ask(site, "POST", f"/do/{action}", json.dumps(body), **JSON, **let_in(site))
    return status, json.loads(content)


def test_the_link_lets_in_and_its_key_leaves_the_address(site):
    status, headers, _ = ask(site, "GET", urllib.parse.urlsplit(site.url).path + f"?key={site.key}")
    assert (status, headers["location"]) == (303, "/")
    assert re.search(r"httponly.*samesite=strict", headers["set-cookie"], re.IGNORECASE)
    status, headers, page = ask(site, "GET", "/", **let_in(site))
    assert status == 200
    assert "抖音直播间" not in page.decode()
    assert "Douyin live" in page.decode()
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/?key=", "/?key=wrong", "/?key=%E4%B8%AD"])
def test_nobody_gets_in_without_the_key(site, path):
    status, headers, page = ask(site, "GET", path)
    assert status == 403
    assert "set-cookie" not in headers
    assert "Douyin" not in page.decode()


def test_another_page_another_host_and_another_method_are_refused(site):
    body = json.dumps({"id": "c-0-0", "text": "1"})
    good = let_in(site)
    for headers in (
        {"Cookie": good["Cookie"]},
        good | {"Origin": "http://evil.example"},
        good | {"Origin": "null"},
        {"Origin": good["Origin"]},
        good | {"Cookie": f"{site.cookie}=wrong"},
    ):
        assert ask(site, "POST", "/do/cell", body, **JSON, **headers)[0] == 403
    assert ask(site, "GET", "/", Host="evil.example", **good)[0] == 421
    assert ask(site, "GET", "/do/cell", **good)[0] == 405


@pytest.mark.parametrize("body", ["", "[1]", "{", '{"id": 1}', '{"id": "c-0-0", "text": "' + "1" * 30_000 + '"}'])
def test_what_the_page_never_sends_is_refused(site, body):
    status, _, _ = ask(site, "POST", "/do/cell", body, **JSON, **let_in(site))
    assert status in {400, 403}


@pytest.mark.parametrize(
    ("action", "field"), [("cell", "c-99-0"), ("cell", "c-0"), ("cell", "c--1-0"), ("lever", "rule-99"), ("burn", "")]
)
def test_places_that_do_not_exist_are_refused(site, action, field):
    assert act(site, action, id=field, text="1")[0] == 400


def test_an_edit_a_refusal_and_the_way_back(site):
    status, state = act(site, "cell", id="c-0-0", text="1万")
    assert (status, state["values"]["c-0-0"], state["edited"], state["undo"]) == (200, "10,000", ["c-0-0"], True)
    status, refused = act(site, "cell", id="c-0-0", text="<many>")
    assert status == 422
    assert "Douyin live" in refused["message"]
    status, state = act(site, "undo")
    assert (status, state["edited"], state["undo"]) == (200, [], False)


def test_the_workbook_is_sent(site):
    status, headers, content = ask(site, "POST", "/do/workbook", "{}", **JSON, **let_in(site))
    assert status == 200
    assert "spreadsheetml" in headers["content-type"]
    assert content[:2] == b"PK"


def test_a_fault_of_ours_is_told_and_the_page_goes_on(site, monkeypatch):
    monkeypatch.setattr(Desk, "solve", lambda _: 1 / 0)
    status, state = act(site, "solve")
    assert (status, "ZeroDivisionError" in state["message"]) == (500, True)
    assert act(site, "reset")[0] == 200


def test_the_command_says_where_and_ends_quietly(small):
    words = [sys.executable, "-m", "budget.cli", "serve", "--no-browser", "--json", "--quiet"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=small) as running:
        told = list(itertools.islice(running.stdout, 4))  # one JSON object of two keys
        url = urllib.parse.urlsplit(json.loads("".join(told))["url"])
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
        connection.request("GET", f"/?{url.query}")
        assert connection.getresponse().status == 303
        connection.close()
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 0
        assert "Traceback" not in running.stderr.read()


@pytest.mark.usefixtures("small")
def test_rules_that_clash_end_the_command(budget):
    answer = budget("serve", "--no-browser", "--total", "1000")
    assert answer.code == 3
    assert "half to double of last year" in answer.err


@pytest.mark.usefixtures("small")
def test_a_port_that_is_taken_is_told(budget, site):
    answer = budget("serve", "--no-browser", "--port", site.port)
    assert answer.code == 1
    assert "in use" in answer.err
