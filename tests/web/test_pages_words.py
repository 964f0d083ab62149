"""Every word on the screen has its Indonesian, and every kind of line its sentence."""

import re
from zoneinfo import ZoneInfo

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from dashboards.i18n import LOCALE, Formats, Language, catalogue
from dashboards.labels import LABELS, Labels
from dashboards.queries.one_incident import PART_TIMES, TIME_NAMES
from dashboards.reports.kinds import Kind as ReportKind
from dashboards.sentences import Sentences
from dashboards.worker import NEXT_STEPS
from dispatch.domain import errors, questionnaire, vocabulary
from dispatch.domain.commands import Action
from dispatch.domain.effects import Purpose
from dispatch.domain.error_codes import Reason
from dispatch.domain.events import Kind
from dispatch.service.watchdog import Report
from tests.tidy.tree import ROOT

METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext:babel_extract")]
OPTIONS = {
    "**/templates/**.html": {
        "newstyle_gettext": "true",
        "trim_blocks": "true",
        "lstrip_blocks": "true",
        "silent": "false",
    }
}
KEYWORDS = {"_": None, "gettext": None, "_gettext": None, "msgid": None, "ngettext": (1, 2)}
FIELD = re.compile(r"%\(\w+\)s")


def used() -> set[str | tuple[str, ...]]:
    """Every msgid that a page or a sentence uses; the reports have a catalogue of their own."""
    found = extract_from_dir(str(ROOT / "dashboards"), METHODS, OPTIONS, keywords=KEYWORDS)
    return {
        message
        for name, _, message, _, _ in found
        if not name.startswith("reports/") and not name.startswith("templates/reports/")
    }


def translations() -> dict[str, str]:
    found: dict[str, str] = {}
    with (LOCALE / "id" / "LC_MESSAGES" / "siaga.po").open("rb") as file:
        for message in read_po(file, locale="id"):
            singular = message.id if isinstance(message.id, str) else message.id[0]
            strings = message.string if isinstance(message.string, list | tuple) else [message.string or ""]
            text = strings[0]
            if singular:
                found[singular] = text
    return found


def test_everything_said_has_an_indonesian_translation() -> None:
    known = translations()
    wanted = {message if isinstance(message, str) else message[0] for message in used()}

    assert len(wanted) > 300
    assert sorted(text for text in wanted if not known.get(text)) == []
    assert sorted(set(known) - wanted) == [], "the catalogue holds nothing that nobody says"


def test_translations_keep_the_fields_of_the_sentence() -> None:
    broken = {
        text: translated
        for text, translated in translations().items()
        if sorted(FIELD.findall(text)) != sorted(FIELD.findall(translated))
    }

    assert broken == {}


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("status", [*vocabulary.IncidentStatus, *vocabulary.AssignmentStatus]),
        ("priority", vocabulary.Priority),
        ("category", vocabulary.Category),
        ("outcome", [*vocabulary.Outcome, *vocabulary.CallOutcome]),
        ("channel", [*vocabulary.IncidentChannel, *vocabulary.AlertChannel]),
        ("outage", vocabulary.OutageCause),
        ("source", vocabulary.Source),
        ("location_source", vocabulary.LocationSource),
        ("delivery", vocabulary.DeliveryState),
        ("role", vocabulary.Role),
        ("standing", vocabulary.AssignmentStatus),
        ("purpose", Purpose),
        ("failure", Reason),
        ("finding", Report().counts()),
        ("action", Action),
        ("report", ReportKind),
        ("time", TIME_NAMES),
        ("part_time", PART_TIMES),
        ("survey_channel", questionnaire.SurveyChannel),
        ("survey_request", questionnaire.RequestState),
        ("follow_up", questionnaire.FollowUpStatus),
        ("unsur", questionnaire.Element),
        ("sex", questionnaire.Sex),
        ("education", questionnaire.Education),
        ("occupation", questionnaire.Occupation),
        (
            "refusal",
            [
                error.code
                for error in vars(errors).values()
                if isinstance(error, type) and issubclass(error, errors.DispatchError)
            ],
        ),
    ],
)
def test_every_value_of_the_vocabulary_has_a_word(kind: str, values: list[str]) -> None:
    assert [value for value in values if str(value) not in LABELS[kind]] == []


def test_an_unknown_value_is_shown_as_it_is() -> None:
    assert Labels(catalogue(Language.ID)).of("status", "brand_new") == "brand_new"


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_line_has_a_sentence_even_without_facts(kind: Kind, language: Language) -> None:
    formats = Formats(language=language, zone=ZoneInfo("Asia/Jayapura"))
    sentences = Sentences(catalogue(language), formats)

    for facts in ({}, {"staff_code": "N01", "late": True, "opened": True, "primary": True, "minutes": 5}):
        sentence = sentences.of(kind, facts, {"N01": "Maria"})
        assert sentence != str(kind)
        assert "%(" not in sentence


def test_a_kind_nobody_knows_is_not_hidden() -> None:
    formats = Formats(language=Language.ID, zone=ZoneInfo("Asia/Jayapura"))

    assert Sentences(catalogue(Language.ID), formats).of("seal.broken", {}, {}) == "seal.broken"


def test_every_status_of_a_worker_offers_its_steps() -> None:
    assert set(NEXT_STEPS) == set(vocabulary.AssignmentStatus)


@pytest.mark.parametrize(
    ("language", "words"),
    [(Language.ID, "Belum ada jawaban dari N01"), (Language.EN, "No answer yet from N01")],
)
def test_of_whom_nothing_was_heard_no_time_is_claimed_that_they_had(language: Language, words: str) -> None:
    """The clock may have been set forward while their phone rang."""
    sentences = Sentences(catalogue(language), Formats(language=language, zone=ZoneInfo("Asia/Jayapura")))
    assert sentences.of("alert.unanswered", {"staff_codes": ["N01"]}, {}) == words


def test_what_was_found_in_the_providers_log_says_so() -> None:
    sentences = Sentences(
        catalogue(Language.ID), Formats(language=Language.ID, zone=ZoneInfo("Asia/Jayapura"))
    )
    seen = sentences.of("call.received", {"opened": True}, {})
    found = sentences.of("call.received", {"opened": True, "reconstructed": True}, {})
    assert found == f"{seen} (ditemukan kemudian di catatan penyedia telepon)"
