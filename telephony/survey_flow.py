"""A call that asks for opinions: whether one may ask, nine questions, thanks. Each answer is kept at once.

Whoever presses nothing hears each question twice and is left in peace; a wrong key repeats the question, and
after a few of them the call ends. Nothing here ever rings the people on duty.
"""

from datetime import datetime

from dispatch.domain.errors import AnswerRefusedError, DispatchError
from dispatch.domain.questionnaire import CURRENT, FORM_ORDER, Element
from dispatch.service import delivery_reports, survey_calls
from telephony.context import TelephonyContext
from telephony.documents import Documents
from telephony.forms import Form, whole_number

CONSENT = "consent"
YES, NEVER = "1", "9"

MOST_TURNS = 3
"""How often one question is asked anew after a wrong key."""


class SurveyFlow:
    """Answers the webhooks of survey calls."""

    def __init__(self, context: TelephonyContext, documents: Documents) -> None:
        """Render with *documents*."""
        self._services = context.services
        self._addresses = context.addresses
        self._documents = documents
        self._service_name = context.prompts.service_name

    def answer(self, form: Form, _at: datetime, delivery_id: str) -> str:
        """Somebody picked up: who is calling, that it is no emergency, and whether one may ask."""
        delivery_reports.callback(
            self._services,
            delivery_id,
            provider_sid=form.get("CallSid"),
            status="in-progress",
            sequence=whole_number(form, "SequenceNumber"),
            error_code=None,
        )
        if not survey_calls.is_wanted(self._services, delivery_id):
            return self._documents.goodbye(_THANKS)
        return self._consent(delivery_id, 1)

    def key(self, form: Form, at: datetime, delivery_id: str, step: str, turn: str) -> str:
        """A key was pressed at *step*: ``consent`` or an element's key."""
        digit = form.get("Digits", "").strip()[:1]
        asked_before = int(turn) if turn.isascii() and turn.isdigit() and len(turn) == 1 else MOST_TURNS
        if step == CONSENT:
            return self._consented(delivery_id, digit, asked_before)
        element = next((each for each in FORM_ORDER if each.value == step), None)
        if element is None:
            return self._documents.goodbye(_THANKS)
        try:
            survey_calls.keep(self._services, delivery_id, element, digit, answered_at=at)
        except AnswerRefusedError:
            if asked_before >= MOST_TURNS:
                return self._documents.goodbye(_THANKS)
            return self._question(delivery_id, element, asked_before + 1)
        except DispatchError:
            return self.trouble()
        following = FORM_ORDER.index(element) + 1
        if following == len(FORM_ORDER):
            return self._documents.goodbye(_DONE)
        return self._question(delivery_id, FORM_ORDER[following], 1)

    def trouble(self) -> str:
        """Last words when anything is wrong; what was pressed is kept all the same."""
        return self._documents.goodbye(_TROUBLE)

    def _consented(self, delivery_id: str, digit: str, asked_before: int) -> str:
        if digit == NEVER:
            survey_calls.never_again(self._services, delivery_id)
            return self._documents.goodbye(_NEVER)
        if digit == YES:
            if not survey_calls.is_wanted(self._services, delivery_id):
                return self._documents.goodbye(_THANKS)
            return self._question(delivery_id, FORM_ORDER[0], 1)
        if asked_before >= MOST_TURNS:
            return self._documents.goodbye(_THANKS)
        return self._consent(delivery_id, asked_before + 1)

    def _consent(self, delivery_id: str, turn: int) -> str:
        return self._documents.asked(
            consent_words(self._service_name),
            action=self._addresses.survey_key(delivery_id, CONSENT, turn),
            last_words=_THANKS,
        )

    def _question(self, delivery_id: str, element: Element, turn: int) -> str:
        return self._documents.asked(
            question_words(element),
            action=self._addresses.survey_key(delivery_id, element.value, turn),
            last_words=_THANKS,
        )


def consent_words(service_name: str) -> str:
    """The first words: who calls, why, that it is voluntary, and how to be left in peace for good."""
    return (
        f"Ini {service_name}. Ini bukan keadaan darurat. Anda pernah meminta pertolongan, dan kami ingin "
        "mendengar pendapat Anda: sembilan pertanyaan, sekitar tiga menit, sukarela. "
        "Tekan 1 bila bersedia. Tekan 9 bila tidak mau ditanya lagi. Atau tutup saja telepon."
    )


def question_words(element: Element) -> str:
    """One question and its keys, in the words of the questionnaire."""
    wording = CURRENT.wording(element, "id")
    number = FORM_ORDER.index(element) + 1
    keys = " ".join(f"Tekan {key} untuk {answer.lower()}." for key, answer in enumerate(wording.answers, 1))
    return f"Pertanyaan {number} dari {len(FORM_ORDER)}. {wording.question} {keys}"


_DONE = "Terima kasih. Semua jawaban Anda tersimpan. Semoga sehat selalu."
_THANKS = "Baik. Terima kasih atas waktu Anda."
_NEVER = "Baik. Nomor ini tidak akan ditanya lagi. Terima kasih."
_TROUBLE = "Maaf, sistem sedang terganggu. Terima kasih atas waktu Anda."
