"""A worker's page that has stood open: its buttons count as of what it showed, and say what stands now.

The whole way, with the real commands behind the pages.
"""

import re
from collections.abc import Iterator
from functools import partial

import pytest
from fastapi import FastAPI

from dashboards.context import PagesContext
from dashboards.site import build_pages
from dispatch.adapters.ids import RandomIds
from dispatch.domain.commands import Action
from dispatch.domain.incidents import Assignment
from dispatch.domain.vocabulary import AssignmentStatus, Outcome
from dispatch.service import progress
from tests.web.sample_site import RecordingService, SampleFacility
from tests.web.visitor import Visitor
from tests.world import PHONES, World

S = AssignmentStatus
TAKEN = "Petugas lain sudah menangani panggilan ini"
_SHOWN = re.compile(r'name="action" value="(\w+)">\s*<input type="hidden" name="shown" value="(\w*)">')


class Page:
    """A page on the phone of a worker, as it was when it was opened."""

    def __init__(self, house: "House", code: str) -> None:
        link = re.search(r"/w/\w+", house.world.provider.texts_to(PHONES[code])[0])
        assert link is not None
        self._visitor, self._address = Visitor(house.app), link[0]
        self._buttons = dict(_SHOWN.findall(self._visitor.opens(self._address).text))

    def taps(self, action: Action, *, waited_s: float = 0.0, **fields: str) -> str:
        """What is said when the button is pressed that stands there; nothing when it was done."""
        form = {"action": str(action), "shown": self._buttons[action], **fields}
        form["waited_ms"] = str(round(waited_s * 1000))
        answer = self._visitor.posts(f"{self._address}/act", form, {"X-Live": "1"})
        assert answer.status_code in (200, 409)
        return str(answer.json()["message"])

    def submits(self, action: Action) -> str:
        """The same without a script: the page that comes back."""
        form = {"action": str(action), "shown": self._buttons[action]}
        return self._visitor.posts(f"{self._address}/act", form).text


class House:
    """A health centre whose pages carry out real commands."""

    def __init__(self, url: str) -> None:
        self.world = World(url)
        self.app = FastAPI()
        self.app.include_router(
            build_pages(
                PagesContext(
                    uow=self.world.uow,
                    clock=self.world.clock,
                    ids=RandomIds(),
                    facility=SampleFacility(),
                    secret_key="a secret of the tests",
                    public_url="http://127.0.0.1:8911",
                    simulator_on=False,
                    act=partial(progress.act, self.world.services),
                    make_pack=RecordingService().make_pack,
                )
            )
        )
        self.incident_id = self.world.resident().rings().incident_id
        self.world.works()

    def part(self, code: str) -> Assignment:
        part = self.world.incident(self.incident_id).assignment(code)
        assert part is not None
        return part


@pytest.fixture
def house(sqlite_database_url: str) -> Iterator[House]:
    house = House(sqlite_database_url)
    yield house
    assert house.world.findings() == []
    house.world.close()


def test_a_yes_to_a_page_of_before_somebody_else_took_the_call_sends_nobody(house: House) -> None:
    world, page = house.world, Page(house, "N01")
    world.passes(5)
    world.worker("N02").accepts(house.incident_id)
    world.passes(600)

    assert TAKEN in page.taps(Action.ACCEPT)

    assert house.part("N01").status is S.STOOD_DOWN
    (line,) = [line for line in world.lines(house.incident_id) if line.kind == "action.refused"]
    assert (line.data["error"], line.data["staff_code"]) == ("answer_overtaken", "N01")
    assert Page(house, "N01").taps(Action.ACCEPT) == "", "who knows, and comes all the same, is support"
    assert house.part("N01").status is S.ACCEPTED


def test_the_page_that_comes_back_says_it_too_and_offers_the_button_again(house: House) -> None:
    page = Page(house, "N01")
    house.world.worker("N02").accepts(house.incident_id)
    house.world.passes(600)

    answer = page.submits(Action.DECLINE)

    assert TAKEN in answer
    assert ("accept", "stood_down") in _SHOWN.findall(answer)


def test_of_two_who_accept_in_the_same_breath_the_second_is_support(house: House) -> None:
    page = Page(house, "N01")
    house.world.worker("N02").accepts(house.incident_id)
    house.world.passes(4)
    assert page.taps(Action.ACCEPT) == ""
    assert house.part("N01").status is S.ACCEPTED


def test_a_yes_that_the_phone_kept_does_not_count_against_a_stand_down(house: House) -> None:
    """However late: somebody else is on the way by then."""
    page = Page(house, "N01")
    house.world.passes(600)
    house.world.worker("N02").accepts(house.incident_id)
    house.world.passes(1)
    assert TAKEN in page.taps(Action.ACCEPT, waited_s=500)
    assert house.part("N01").status is S.STOOD_DOWN


def test_a_tap_that_waited_takes_no_later_word_back(house: House) -> None:
    world, page = house.world, Page(house, "N01")
    world.passes(60)
    world.worker("N01").texts("2 banjir")
    world.passes(60)
    assert "Anda sudah menolak" in page.taps(Action.ACCEPT, waited_s=100)
    assert house.part("N01").status is S.DECLINED


def test_taps_that_waited_one_after_the_other_all_count(house: House) -> None:
    """The page could not show the first one: whoever changes their mind knows what they said."""
    page = Page(house, "N01")
    house.world.passes(600)
    assert page.taps(Action.ACCEPT, waited_s=500) == ""
    assert page.taps(Action.DECLINE, waited_s=400, reason="banjir") == ""
    assert house.part("N01").status is S.DECLINED


def test_a_tap_that_is_sent_twice_is_taken_once(house: House) -> None:
    page = Page(house, "N01")
    for action in (Action.ACCEPT, Action.DECLINE):
        page.taps(action, waited_s=2)
        house.world.passes(20)
        assert page.taps(action, waited_s=22) == "Ini sudah tercatat sebelumnya; tidak ada yang diubah."
    assert house.part("N01").status is S.DECLINED


def test_a_mind_may_be_changed_on_the_same_page(house: House) -> None:
    page = Page(house, "N01")
    page.taps(Action.DECLINE)
    house.world.passes(60)
    assert page.taps(Action.ACCEPT) == ""


def test_a_step_that_does_not_follow_says_where_they_stand(house: House) -> None:
    house.world.worker("N01").accepts(house.incident_id)
    page = Page(house, "N01")
    house.world.passes(60)
    house.world.worker("N01").texts("2")
    assert "Anda sudah menolak" in page.taps(Action.EN_ROUTE)


def test_a_page_of_a_closed_incident_says_that_it_is_closed(house: House) -> None:
    page = Page(house, "N01")
    house.world.desk(house.incident_id, Action.CLOSE, outcome=Outcome.PRANK)
    house.world.passes(60)
    said = page.taps(Action.ACCEPT)
    assert "sudah ditutup" in said
    assert TAKEN not in said


@pytest.mark.parametrize("shown", ["", "nonsense"])
def test_what_a_page_showed_that_does_not_say_it_is_not_guessed(house: House, shown: str) -> None:
    """Pages of an older version stand open while the new one starts."""
    page = Page(house, "N01")
    house.world.worker("N02").accepts(house.incident_id)
    house.world.passes(600)
    assert page.taps(Action.ACCEPT, shown=shown) == ""
    assert house.part("N01").status is S.ACCEPTED
