"""After the emergency: one text with a link, late and last of all, and only to those whom the rules name."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from dispatch.domain.commands import Action
from dispatch.domain.effects import Purpose
from dispatch.domain.questionnaire import RequestState, SurveyChannel
from dispatch.domain.survey_rules import SurveyRules
from dispatch.domain.vocabulary import AlertChannel, Outcome
from dispatch.service import survey_requests
from dispatch.service.surveying import Surveyor
from models.survey import SurveyOptOut, SurveyRequest
from models.traffic import Delivery
from tests.fakes.telephony import Outcome as Company
from tests.fakes.telephony import Sent
from tests.service.conftest import MakeWorld
from tests.world import PHONES, World

HOUR = 3600.0
CALLER = "+628119999001"
MORNING = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
"""Nine o'clock at the health centre."""


@pytest.fixture
def quick(sqlite_database_url: str) -> Iterator[World]:
    """A health centre on SQLite alone, for what the database has no part in."""
    made = World(sqlite_database_url)
    yield made
    made.close()


def surveyor(world: World, rules: SurveyRules | None = None) -> Surveyor:
    asking = rules or SurveyRules(ask=(SurveyChannel.LINK,))
    return Surveyor(world.services, asking, facility_name="Puskesmas Contoh")


def helped(world: World, number: str = CALLER, sid: str = "CA-1", outcome: Outcome = Outcome.TREATED) -> str:
    """An emergency of this phone that is over; its identifier."""
    ring = world.resident(number).rings(sid)
    world.desk(ring.incident_id, Action.CLOSE, outcome=outcome, reason="so it ended")
    world.works()
    world.provider.forgets()
    return ring.incident_id


def tomorrow_morning(world: World) -> None:
    world.hand.advance((MORNING - world.hand.now()).total_seconds())


def requests(world: World) -> list[SurveyRequest]:
    with world.uow.read() as session:
        return list(session.scalars(select(SurveyRequest).order_by(SurveyRequest.asked_at)))


def questions(world: World) -> list[Sent]:
    return [sent for sent in world.provider.sent if sent.body.startswith("survey")]


def test_who_was_helped_gets_one_text_with_a_link(world: World) -> None:
    incident_id = helped(world)
    tomorrow_morning(world)
    assert surveyor(world).look() == 1
    world.works()
    (sent,) = questions(world)
    assert (sent.to_number, sent.channel) == (CALLER, AlertChannel.SMS)
    (request,) = requests(world)
    assert (request.incident_id, request.state, request.phone) == (incident_id, "asked", CALLER)
    token = sent.body.rpartition("/s/")[2]
    with world.uow.read() as session:
        opened = survey_requests.of_token(session, token, facility_id="KWK")
        assert opened is not None
        assert opened.id == request.id
        assert survey_requests.of_token(session, token, facility_id="ELSE") is None
        assert survey_requests.of_token(session, token[::-1], facility_id="KWK") is None


def test_nobody_is_asked_twice_however_often_one_looks(quick: World) -> None:
    helped(quick)
    tomorrow_morning(quick)
    asking = surveyor(quick)
    for _ in range(3):
        asking.look()
        quick.hand.advance(60)
    quick.works()
    assert len(questions(quick)) == 1


def test_a_phone_is_asked_once_for_two_emergencies_and_again_after_ninety_days(quick: World) -> None:
    helped(quick)
    helped(quick, sid="CA-2")
    tomorrow_morning(quick)
    assert surveyor(quick).look() == 1
    quick.works()
    quick.hand.advance(86_400)
    helped(quick, sid="CA-3")
    quick.hand.advance(2 * HOUR)
    assert surveyor(quick).look() == 0
    quick.hand.advance(90 * 86_400)
    helped(quick, sid="CA-4")
    quick.hand.advance(2 * HOUR)
    assert surveyor(quick).look() == 1


def test_nobody_is_asked_where_the_facility_does_not_say_so(quick: World) -> None:
    helped(quick)
    tomorrow_morning(quick)
    assert surveyor(quick, SurveyRules()).look() == 0
    assert requests(quick) == []


def test_nobody_is_asked_at_night_but_in_the_morning(quick: World) -> None:
    helped(quick)
    quick.hand.advance(9 * HOUR)
    assert surveyor(quick).look() == 0
    tomorrow_morning(quick)
    assert surveyor(quick).look() == 1


def test_while_somebody_is_alerted_nobody_is_asked(quick: World) -> None:
    helped(quick)
    tomorrow_morning(quick)
    ring = quick.resident("+628119999002").rings("CA-new")
    assert surveyor(quick).look() == 0
    quick.worker("N01").accepts(ring.incident_id)
    quick.hand.advance(60)
    assert surveyor(quick).look() == 1


def test_a_question_leaves_after_everything_else_that_waits(world: World) -> None:
    helped(world)
    tomorrow_morning(world)
    surveyor(world).look()
    ring = world.resident("+628119999002").rings("CA-new")
    world.works()
    places = [sent.body.split()[0] if sent.body else "rings" for sent in world.provider.sent]
    assert places.index("survey") == len(places) - 1
    assert ring.incident_id


@pytest.mark.parametrize("outcome", [Outcome.PRANK, Outcome.DEAD_ON_ARRIVAL, Outcome.TEST])
def test_pranks_tests_and_deaths_are_not_asked_about(quick: World, outcome: Outcome) -> None:
    helped(quick, outcome=outcome)
    tomorrow_morning(quick)
    assert surveyor(quick).look() == 0


def test_neither_withheld_numbers_nor_our_own_people_are_asked(quick: World) -> None:
    ring = quick.resident(None).rings("CA-hidden")
    quick.desk(ring.incident_id, Action.CLOSE, outcome=Outcome.TREATED, reason="helped")
    helped(quick, PHONES["N02"], "CA-staff")
    tomorrow_morning(quick)
    assert surveyor(quick).look() == 0


def test_who_needs_help_again_is_not_asked_how_the_last_time_was(quick: World) -> None:
    helped(quick)
    tomorrow_morning(quick)
    ring = quick.resident(CALLER).rings("CA-again")
    quick.worker("N01").accepts(ring.incident_id)
    assert surveyor(quick).look() == 0


def test_who_wants_to_be_left_in_peace_is_never_asked_again(world: World) -> None:
    helped(world)
    tomorrow_morning(world)
    surveyor(world).look()
    (request,) = requests(world)
    for _ in range(2):
        with world.uow.write() as session:
            again = session.get_one(SurveyRequest, request.id)
            survey_requests.never_again(session, again, SurveyChannel.LINK, world.hand.now())
    assert requests(world)[0].state == RequestState.OPTED_OUT
    world.hand.advance(400 * 86_400)
    helped(world, sid="CA-2")
    world.hand.advance(2 * HOUR)
    assert surveyor(world).look() == 0


def test_a_text_that_cannot_be_sent_is_no_question(quick: World) -> None:
    helped(quick)
    tomorrow_morning(quick)
    quick.provider.refusal_code = "30006"
    quick.provider.will(Company.REFUSED, to_number=CALLER)
    surveyor(quick).look()
    quick.works()
    assert requests(quick)[0].state == RequestState.FAILED
    helped(quick, sid="CA-2")
    quick.hand.advance(2 * HOUR)
    assert surveyor(quick).look() == 1


def test_who_blocks_our_texts_has_said_that_they_want_none(world: World) -> None:
    helped(world)
    tomorrow_morning(world)
    surveyor(world).look()
    world.works()
    assert world.network_says(questions(world)[0], "undelivered", error_code="21610")
    assert requests(world)[0].state == RequestState.OPTED_OUT
    with world.uow.read() as session:
        assert session.scalars(select(SurveyOptOut.phone)).all() == [CALLER]


def test_a_text_that_the_network_could_not_deliver_is_tried_again(quick: World) -> None:
    helped(quick)
    tomorrow_morning(quick)
    surveyor(quick).look()
    quick.works()
    quick.network_says(questions(quick)[0], "undelivered", error_code="30003")
    quick.passes(60)
    first, again = questions(quick)
    assert first.body == again.body
    assert requests(quick)[0].state == RequestState.ASKED


def test_a_question_that_waited_too_long_was_never_asked(world: World) -> None:
    helped(world)
    tomorrow_morning(world)
    asking = surveyor(world)
    asking.look()
    world.hand.advance(5 * HOUR)
    world.works()
    asking.look()
    assert questions(world) == []
    assert [request.state for request in requests(world)] == [RequestState.FAILED]


def test_by_keypad_the_phone_is_called_and_nothing_is_texted(quick: World) -> None:
    helped(quick)
    tomorrow_morning(quick)
    rules = SurveyRules(ask=(SurveyChannel.KEYPAD,))
    assert surveyor(quick, rules).look() == 1
    quick.works()
    assert quick.provider.rung == [CALLER]
    assert quick.provider.texted == []
    assert "/answer/survey/" in quick.provider.last_call_to(CALLER).answer_url


def test_who_does_not_pick_up_gets_a_text_where_both_ways_are_wanted(world: World) -> None:
    helped(world)
    tomorrow_morning(world)
    both = SurveyRules(ask=(SurveyChannel.KEYPAD, SurveyChannel.LINK))
    surveyor(world, both).look()
    world.works()
    assert world.network_says(world.provider.last_call_to(CALLER), "no-answer")
    world.works()
    assert world.provider.texted == [CALLER]
    (request,) = requests(world)
    assert (request.channel, request.state) == ("link", RequestState.ASKED)


def test_who_does_not_pick_up_is_not_rung_again(quick: World) -> None:
    helped(quick)
    tomorrow_morning(quick)
    surveyor(quick, SurveyRules(ask=(SurveyChannel.KEYPAD,))).look()
    quick.works()
    quick.network_says(quick.provider.last_call_to(CALLER), "busy")
    quick.passes(3 * HOUR)
    assert (quick.provider.rung, quick.provider.texted) == ([CALLER], [])
    assert requests(quick)[0].state == RequestState.FAILED


def test_calls_for_opinions_wait_for_the_providers_calls_per_second(make_world: MakeWorld) -> None:
    world = make_world(calls_per_second=0.1)
    helped(world)
    helped(world, "+628119999002", "CA-2")
    tomorrow_morning(world)
    assert surveyor(world, SurveyRules(ask=(SurveyChannel.KEYPAD,))).look() == 2
    world.works()
    assert len(world.provider.rung) == 1
    world.passes(11)
    assert len(world.provider.rung) == 2


def test_many_are_asked_a_few_at_a_time(quick: World) -> None:
    for place in range(12):
        helped(quick, f"+6281199990{place:02}", f"CA-{place}")
    tomorrow_morning(quick)
    asking = surveyor(quick)
    assert asking.look() == 10
    assert asking.look() == 0, "another process took this turn"
    quick.hand.advance(60)
    assert asking.look() == 2


def test_the_question_is_no_part_of_the_emergency(quick: World) -> None:
    incident_id = helped(quick)
    before = quick.kinds(incident_id)
    tomorrow_morning(quick)
    surveyor(quick).look()
    quick.works()
    assert quick.kinds(incident_id) == before
    with quick.uow.read() as session:
        asked = session.scalars(select(Delivery).where(Delivery.purpose == str(Purpose.SURVEY))).one()
    assert asked.incident_id is None
    assert asked.valid_until == quick.hand.now() + timedelta(hours=4)
