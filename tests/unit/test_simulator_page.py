"""The simulator's page and its JSON: what it shows, and whom it refuses."""

import re
from pathlib import Path

from fastapi import HTTPException
from fastapi.params import Depends

from telephony.simulator import page
from telephony.simulator.words import INDONESIAN, WORDS_OF_CODES
from tests.fakes.scripted_program import town
from tests.fakes.virtual_time import in_virtual_time

HERE = Path(page.__file__).parent
HEADER = {"X-Requested-With": "test"}


@in_virtual_time
async def test_the_page_is_indonesian_and_english_by_choice_without_inline_code() -> None:
    async with town() as t:
        answer = await t.web.get("/simulator")
        assert "Simulator telepon" in answer.text
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", answer.text)
        assert "Phone simulator" in (await t.web.get("/simulator?lang=en")).text
        for name in re.findall(r'(?:href|src)="(/simulator/static/[^"]+)"', answer.text):
            file = await t.web.get(name)
            assert file.status_code == 200
            again = await t.web.get(name, headers={"If-None-Match": file.headers["etag"]})
            assert again.status_code == 304
        assert (await t.web.get("/simulator/static/page.py")).status_code == 404


def test_every_word_of_the_page_has_its_indonesian() -> None:
    template = (HERE / "templates" / "simulator.html").read_text(encoding="utf-8")
    shown = set(re.findall(r"""_\(["']([^"]+?)["']\)""", template)) | set(WORDS_OF_CODES.values())
    assert shown - INDONESIAN.keys() == set()
    assert INDONESIAN.keys() - shown == set()


def test_the_script_builds_no_html_from_text_and_knows_only_words_that_exist() -> None:
    script = (HERE / "static" / "simulator.js").read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script)
    assert set(re.findall(r'say\("([a-z_.]+)"', script)) <= WORDS_OF_CODES.keys()


@in_virtual_time
async def test_the_state_is_sent_once_per_version_and_waits_for_the_next() -> None:
    async with town() as t:
        first = await t.network()
        assert first is not None
        version = str(first["version"])
        assert await t.network(version) is None
        tagged = await t.web.get("/simulator/phones", headers={"If-None-Match": f'"{version}"'})
        assert tagged.status_code == 304
        await t.caller.does("switch-off")
        assert await t.network(version, 5) is not None
        assert await t.network("another-run-1") is not None


@in_virtual_time
async def test_what_comes_from_elsewhere_changes_nothing() -> None:
    async with town() as t:
        path = "/simulator/phones/+628110000001/switch-off"
        assert (await t.web.post(path)).status_code == 403
        foreign = {**HEADER, "Origin": "http://evil.test"}
        assert (await t.web.post(path, headers=foreign)).status_code == 403
        assert (await t.web.post(path, headers={**HEADER, "Origin": "http://town.test"})).status_code == 200


@in_virtual_time
async def test_what_cannot_be_done_is_refused_with_a_reason() -> None:
    async with town() as t:
        refused = [
            ("/simulator/phones/0899/dial", 404, "no_such_phone"),
            ("/simulator/phones/08110000001/explode", 409, "no_such_action"),
            ("/simulator/phones/08110000001/answer", 409, "not_in_that_state"),
        ]
        for path, status, code in refused:
            answer = await t.web.post(path, headers=HEADER)
            assert (answer.status_code, answer.json()["code"]) == (status, code)
            assert answer.headers["content-type"] == "application/problem+json"
        for content in (b"[1]", b"{", b"\xff"):
            answer = await t.web.post("/simulator/phones", headers=HEADER, content=content)
            assert answer.status_code == 400


@in_virtual_time
async def test_residents_can_be_added_up_to_a_bound() -> None:
    async with town() as t:
        added = await t.web.post("/simulator/phones", headers=HEADER)
        assert added.status_code == 201
        number = added.json()["number"]
        assert re.fullmatch(r"\+62811\d{8}", number)
        assert (await t.web.post(f"/simulator/phones/{number}/dial", headers=HEADER)).status_code == 200
        while added.status_code == 201:
            added = await t.web.post("/simulator/phones", headers=HEADER)
        assert added.json()["code"] == "too_many_phones"


async def nobody() -> None:
    """A guard that lets nobody in."""
    raise HTTPException(401)


@in_virtual_time
async def test_a_guard_keeps_the_page_and_its_json_but_not_the_provider_api() -> None:
    async with town(dependencies=[Depends(nobody)]) as t:
        for path in ("/simulator", "/simulator/phones"):
            assert (await t.web.get(path)).status_code == 401
        assert (await t.caller.do("dial")).status_code == 401
        assert (await t.rest("/Calls.json")).json()["code"] == 21201
