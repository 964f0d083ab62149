"""The questionnaire of the satisfaction survey: nine elements, the words of a version, which answers count.

Decides what may be answered and when a questionnaire is filled. An element is named by its key and never by
its place: the rule's list and its specimen form disagree about the order of the last two (DOMAIN 1.1.1).
Wording is never edited in place: other words are another version, so that no total mixes two questions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dispatch.domain.errors import AnswerRefusedError, QuestionnaireVersionError


class Element(StrEnum):
    """An element (*unsur*) of Permenpan-RB 14/2017, in the order of the specimen form."""

    REQUIREMENTS = "persyaratan"
    PROCEDURE = "prosedur"
    TIME = "waktu"
    COST = "biaya"
    PRODUCT = "produk"
    COMPETENCE = "kompetensi"
    CONDUCT = "perilaku"
    FACILITIES = "sarana"
    COMPLAINTS = "pengaduan"


FORM_ORDER: Sequence[Element] = tuple(Element)
"""As the questions are asked: facilities 8th, complaints 9th."""

LIST_ORDER: Sequence[Element] = (*FORM_ORDER[:7], Element.COMPLAINTS, Element.FACILITIES)
"""As the rule lists the elements: complaints 8th, facilities 9th."""

UNSUR: Mapping[Element, str] = {
    Element.REQUIREMENTS: "Persyaratan",
    Element.PROCEDURE: "Sistem, Mekanisme, dan Prosedur",
    Element.TIME: "Waktu Penyelesaian",
    Element.COST: "Biaya/Tarif",
    Element.PRODUCT: "Produk Spesifikasi Jenis Pelayanan",
    Element.COMPETENCE: "Kompetensi Pelaksana",
    Element.CONDUCT: "Perilaku Pelaksana",
    Element.FACILITIES: "Sarana dan Prasarana",
    Element.COMPLAINTS: "Penanganan Pengaduan, Saran dan Masukan",
}
"""The rule's own names, in every language; a screen may translate them beside."""

LOWEST, HIGHEST = 1, 4


class SurveyChannel(StrEnum):
    """How a questionnaire was answered."""

    KEYPAD = "keypad"
    LINK = "link"
    PAPER = "paper"


class Sex(StrEnum):
    """As the form writes it: *laki-laki*, *perempuan*."""

    MALE = "L"
    FEMALE = "P"


class Education(StrEnum):
    """The highest school, as the form writes it."""

    SD = "SD"
    SMP = "SMP"
    SMA = "SMA"
    S1 = "S1"
    S2 = "S2"
    S3 = "S3"


class Occupation(StrEnum):
    """What somebody does for a living, as the form writes it."""

    CIVIL_SERVANT = "PNS"
    ARMY = "TNI"
    POLICE = "POLRI"
    EMPLOYEE = "SWASTA"
    ENTREPRENEUR = "WIRAUSAHA"
    OTHER = "LAINNYA"


class RequestState(StrEnum):
    """What became of asking somebody; ``failed`` did not reach them."""

    ASKED = "asked"
    ANSWERED = "answered"
    DECLINED = "declined"
    OPTED_OUT = "opted_out"
    FAILED = "failed"


class FollowUpStatus(StrEnum):
    """Where a step of the follow-up plan (*rencana tindak lanjut*) stands."""

    PLANNED = "planned"
    IN_PROGRESS = "in_progress"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """One question and the words of its answers 1 to 4, in one language."""

    question: str
    answers: tuple[str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Questionnaire:
    """One version; ``indonesian`` is what is asked, ``english`` translates it for whoever wants it."""

    version: str
    indonesian: Mapping[Element, Wording]
    english: Mapping[Element, Wording]

    def wording(self, element: Element, language: str) -> Wording:
        """The words of *element* in *language* (``id`` or ``en``)."""
        return (self.english if language == "en" else self.indonesian)[element]


def _words(question: str, *answers: str) -> Wording:
    first, second, third, fourth = answers
    return Wording(question=question, answers=(first, second, third, fourth))


_INDONESIAN: Mapping[Element, Wording] = {
    Element.REQUIREMENTS: _words(
        "Bagaimana pendapat Saudara tentang kesesuaian persyaratan pelayanan dengan jenis pelayanannya?",
        "Tidak sesuai", "Kurang sesuai", "Sesuai", "Sangat sesuai",
    ),
    Element.PROCEDURE: _words(
        "Bagaimana pemahaman Saudara tentang kemudahan prosedur pelayanan di unit ini?",
        "Tidak mudah", "Kurang mudah", "Mudah", "Sangat mudah",
    ),
    Element.TIME: _words(
        "Bagaimana pendapat Saudara tentang kecepatan waktu dalam memberikan pelayanan?",
        "Tidak cepat", "Kurang cepat", "Cepat", "Sangat cepat",
    ),
    Element.COST: _words(
        "Bagaimana pendapat Saudara tentang kewajaran biaya/tarif dalam pelayanan?",
        "Sangat mahal", "Cukup mahal", "Murah", "Gratis",
    ),
    Element.PRODUCT: _words(
        "Bagaimana pendapat Saudara tentang kesesuaian produk pelayanan antara yang tercantum dalam standar "
        "pelayanan dengan hasil yang diberikan?",
        "Tidak sesuai", "Kurang sesuai", "Sesuai", "Sangat sesuai",
    ),
    Element.COMPETENCE: _words(
        "Bagaimana pendapat Saudara tentang kompetensi/kemampuan petugas dalam pelayanan?",
        "Tidak kompeten", "Kurang kompeten", "Kompeten", "Sangat kompeten",
    ),
    Element.CONDUCT: _words(
        "Bagaimana pendapat Saudara tentang perilaku petugas dalam pelayanan terkait kesopanan dan "
        "keramahan?",
        "Tidak sopan dan ramah", "Kurang sopan dan ramah", "Sopan dan ramah", "Sangat sopan dan ramah",
    ),
    Element.FACILITIES: _words(
        "Bagaimana pendapat Saudara tentang kualitas sarana dan prasarana?",
        "Buruk", "Cukup baik", "Baik", "Sangat baik",
    ),
    Element.COMPLAINTS: _words(
        "Bagaimana pendapat Saudara tentang penanganan pengaduan pengguna layanan?",
        "Tidak ada", "Ada tetapi tidak berfungsi", "Berfungsi kurang maksimal", "Dikelola dengan baik",
    ),
}  # fmt: skip

_ENGLISH: Mapping[Element, Wording] = {
    Element.REQUIREMENTS: _words(
        "What do you think of how well the requirements of the service fit its kind?",
        "They do not fit", "They fit poorly", "They fit", "They fit very well",
    ),
    Element.PROCEDURE: _words(
        "How easy do you find the procedure of the service at this unit?",
        "Not easy", "Not quite easy", "Easy", "Very easy",
    ),
    Element.TIME: _words(
        "What do you think of how quickly the service was given?",
        "Not quick", "Not quite quick", "Quick", "Very quick",
    ),
    Element.COST: _words(
        "What do you think of how fair the cost of the service is?",
        "Very expensive", "Rather expensive", "Cheap", "Free",
    ),
    Element.PRODUCT: _words(
        "What do you think of how well what was given agrees with what the service standard says?",
        "It does not agree", "It agrees poorly", "It agrees", "It agrees very well",
    ),
    Element.COMPETENCE: _words(
        "What do you think of the competence of the staff?",
        "Not competent", "Not quite competent", "Competent", "Very competent",
    ),
    Element.CONDUCT: _words(
        "What do you think of the conduct of the staff, of their politeness and friendliness?",
        "Not polite and friendly", "Not quite polite and friendly", "Polite and friendly",
        "Very polite and friendly",
    ),
    Element.FACILITIES: _words(
        "What do you think of the quality of facilities and equipment?",
        "Bad", "Fair", "Good", "Very good",
    ),
    Element.COMPLAINTS: _words(
        "What do you think of how users' complaints are handled?",
        "There is no handling", "There is, but it does not work", "It works, not at its best",
        "It is well managed",
    ),
}  # fmt: skip

CURRENT = Questionnaire(version="SKM-14/2017-1", indonesian=_INDONESIAN, english=_ENGLISH)
"""The one that is asked now: the nine questions that four independent programs agree on (DOMAIN 1.1.2)."""

VERSIONS: Sequence[Questionnaire] = (CURRENT,)
"""Every one that was ever asked, the oldest first: a report of that time is put into its words."""

Answers = Mapping[Element, int]
"""What one person answered: 1 to 4 by element; an element that is missing was not answered."""


def checked(version: str, answers: Mapping[str, object]) -> Answers:
    """The *answers* to the questionnaire *version*, by element, in the order of the form.

    Not every element need be there. An answer counts when it is a whole number, or its only digit.

    Raises:
        QuestionnaireVersionError: it is not the questionnaire that is asked now.
        AnswerRefusedError: an element is none of the nine, or an answer none of 1 to 4.
    """
    if version != CURRENT.version:
        raise QuestionnaireVersionError(version=version, current=CURRENT.version)
    for key in answers:
        if key not in FORM_ORDER:
            raise AnswerRefusedError(field=key, answer=answers[key])
    return {
        element: _score(element, answers[element.value])
        for element in FORM_ORDER
        if answers.get(element.value) is not None
    }


def is_filled(answers: Answers) -> bool:
    """Whether all nine were answered: only then does the questionnaire count (``dispatch.domain.survey``)."""
    return all(element in answers for element in FORM_ORDER)


def _score(element: Element, answer: object) -> int:
    score = {"1": 1, "2": 2, "3": 3, "4": 4}.get(answer.strip()) if isinstance(answer, str) else answer
    if not isinstance(score, int) or isinstance(score, bool) or not LOWEST <= score <= HIGHEST:
        raise AnswerRefusedError(field=element.value, answer=answer)
    return score
