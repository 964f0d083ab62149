"""One sentence for each kind of line in the record, as a person would say it.

Only ``data`` is put into words here; private values stand beside the sentence, where the reader's role
decides. A kind without a sentence is shown by its name: the record is never shortened for want of words.
"""

import gettext
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from dashboards.i18n import Formats, msgid
from dashboards.labels import Labels
from dispatch.domain.error_codes import meaning_of

Facts = Mapping[str, object]
Names = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a sentence is made with: one language, and the names behind the staff codes."""

    gettext: Callable[[str], str]
    labels: Labels
    names: Names

    def person(self, code: object) -> str:
        """``Maria (N01)``, or the code alone."""
        name = self.names.get(str(code))
        return str(code) if name is None else f"{name} ({code})"

    def people(self, codes: Sequence[object]) -> str:
        """Several of them."""
        return ", ".join(self.person(code) for code in codes)


class Sentences:
    """Every sentence in one language."""

    def __init__(self, translations: gettext.NullTranslations, formats: Formats) -> None:
        """Speak with *translations*."""
        self._gettext = translations.gettext
        self._labels = Labels(translations)
        self.formats = formats

    def of(self, kind: str, facts: Facts, names: Names) -> str:
        """The sentence for a line of *kind* with the event's ``data``."""
        words = Words(gettext=self._gettext, labels=self._labels, names=names)
        say = _SENTENCES.get(kind)
        sentence = kind if say is None else say(words, facts)
        if not facts.get("reconstructed"):
            return sentence
        found = words.gettext("(found afterwards in the telephone provider’s log)")
        return f"{sentence} {found}"

    def actor(self, actor: str, names: Names) -> str:
        """Who did it, as a person would name them."""
        if actor == "engine":
            return self._gettext("this program")
        if actor == "caller":
            return self._gettext("the caller")
        if actor == "provider":
            return self._gettext("the telephone provider")
        bare = actor.removeprefix("user:").removeprefix("staff:").removeprefix("token:")
        return Words(gettext=self._gettext, labels=self._labels, names=names).person(bare)


Say = Callable[[Words, Facts], str]


def _plain(text: str) -> Say:
    return lambda words, _facts: words.gettext(text)


def _of_person(text: str) -> Say:
    return lambda words, facts: words.gettext(text) % {"who": words.person(facts.get("staff_code", "?"))}


def _late(text: str) -> Say:
    def say(words: Words, facts: Facts) -> str:
        sentence = words.gettext(text) % {"who": words.person(facts.get("staff_code", "?"))}
        late = words.gettext("(reported late)")
        return f"{sentence} {late}" if facts.get("late") else sentence

    return say


def _call_received(words: Words, facts: Facts) -> str:
    if facts.get("opened"):
        return words.gettext("A call came in and opened this incident")
    return words.gettext("The same caller called again and joined this incident")


def _text_received(words: Words, facts: Facts) -> str:
    if facts.get("opened"):
        return words.gettext("A text message came in and opened this incident")
    return words.gettext("Another text message of the caller joined this incident")


def _menu_chosen(words: Words, facts: Facts) -> str:
    digit = facts.get("digit", "?")
    return words.gettext("The caller pressed %(digit)s: %(meaning)s") % {
        "digit": digit,
        "meaning": words.labels.of("menu", digit),
    }


def _call_answered(words: Words, facts: Facts) -> str:
    code = facts.get("staff_code")
    who = words.gettext("a health worker") if code is None else words.person(code)
    sentence = words.gettext("%(who)s is talking to the caller") % {"who": who}
    if facts.get("assumed"):
        assumed = words.gettext("(assumed: the conference said nothing)")
        return f"{sentence} {assumed}"
    if facts.get("corrects") is None:
        return sentence
    corrects = words.gettext("(corrects line %(line)s, which was assumed)") % {"line": facts["corrects"]}
    return f"{sentence} {corrects}"


def _call_waiting(words: Words, _facts: Facts) -> str:
    return words.gettext("The caller waits in the conference")


def _call_ended(words: Words, facts: Facts) -> str:
    return words.gettext("The call ended: %(outcome)s") % {
        "outcome": words.labels.of("outcome", facts.get("outcome", "?"))
    }


def _changed(kind: str, text: str) -> Say:
    def say(words: Words, facts: Facts) -> str:
        return words.gettext(text) % {
            "old": words.labels.of(kind, facts.get("from", "?")),
            "new": words.labels.of(kind, facts.get("to", "?")),
        }

    return say


def _location_set(words: Words, facts: Facts) -> str:
    return words.gettext("Location recorded, %(source)s") % {
        "source": words.labels.of("location_source", facts.get("source", "?"))
    }


_ALERT_REASONS = {
    "ladder": msgid("Alerting %(people)s, tier %(tier)s"),
    "repeat": msgid("Alerting again, because nobody has accepted: %(people)s, tier %(tier)s"),
    "second_ring": msgid("Ringing a second time: %(people)s"),
    "widened": msgid("Alerting %(people)s as well, because it is urgent, tier %(tier)s"),
    "assigned": msgid("The dispatcher alerts %(people)s by name"),
}


def _alert_requested(words: Words, facts: Facts) -> str:
    people = cast("list[Facts]", facts.get("people", []))
    text = _ALERT_REASONS.get(str(facts.get("reason")), _ALERT_REASONS["ladder"])
    return words.gettext(text) % {
        "people": words.people([person.get("staff_code", "?") for person in people]),
        "tier": facts.get("tier", "?"),
    }


def _alert_sent(words: Words, facts: Facts) -> str:
    who = words.person(facts.get("staff_code", "?"))
    if facts.get("proof") == "answer":
        return words.gettext("%(who)s was alerted: their answer proves it") % {"who": who}
    return words.gettext("%(who)s was alerted: %(channel)s") % {
        "who": who,
        "channel": words.labels.of("channel", facts.get("channel", "?")),
    }


def _alert_failed(words: Words, facts: Facts) -> str:
    code = str(facts.get("error_code") or facts.get("code") or facts.get("error") or "?")
    return words.gettext("%(who)s could not be reached: %(channel)s, %(why)s (%(code)s)") % {
        "who": words.person(facts.get("staff_code", "?")),
        "channel": words.labels.of("channel", facts.get("channel", "?")),
        "why": words.labels.of("failure", meaning_of(code).reason),
        "code": code,
    }


def _unanswered(words: Words, facts: Facts) -> str:
    codes = cast("list[object]", facts.get("staff_codes", []))
    # Not "in time": a clock that was set forward, or a phone out of reach, may have left them none.
    return words.gettext("No answer yet from %(people)s") % {"people": words.people(codes)}


def _nobody(words: Words, facts: Facts) -> str:
    return words.gettext("Nobody to alert in tier %(tier)s") % {"tier": facts.get("tier", "?")}


def _accepted(words: Words, facts: Facts) -> str:
    text = (
        words.gettext("%(who)s accepted and owns the incident")
        if facts.get("primary")
        else words.gettext("%(who)s accepted as support")
    )
    sentence = text % {"who": words.person(facts.get("staff_code", "?"))}
    minutes = facts.get("minutes")
    if minutes is None:
        return sentence
    arrival = words.gettext("%(minutes)s minutes to arrival") % {"minutes": minutes}
    return f"{sentence}, {arrival}"


def _declined(words: Words, facts: Facts) -> str:
    text = (
        words.gettext("%(who)s had accepted and withdrew")
        if facts.get("withdrawn")
        else words.gettext("%(who)s declined")
    )
    return text % {"who": words.person(facts.get("staff_code", "?"))}


def _eta_stated(words: Words, facts: Facts) -> str:
    return words.gettext("%(who)s expects to arrive in %(minutes)s minutes") % {
        "who": words.person(facts.get("staff_code", "?")),
        "minutes": facts.get("minutes", "?"),
    }


def _stood_down(words: Words, facts: Facts) -> str:
    text = (
        words.gettext("%(who)s is told to stand down: the incident is closed")
        if facts.get("reason") == "closed"
        else words.gettext("%(who)s is told to stand down: somebody else accepted")
    )
    return text % {"who": words.person(facts.get("staff_code", "?"))}


def _help_requested(words: Words, facts: Facts) -> str:
    code = facts.get("staff_code")
    if code is None:
        return words.gettext("More help was asked for")
    return words.gettext("%(who)s asks for more help") % {"who": words.person(code)}


def _closed(words: Words, facts: Facts) -> str:
    outcome = facts.get("outcome")
    if outcome is None:
        return words.gettext("Incident closed")
    return words.gettext("Incident closed: %(outcome)s") % {"outcome": words.labels.of("outcome", outcome)}


def _refused(words: Words, facts: Facts) -> str:
    return words.gettext("Refused: %(action)s. %(why)s") % {
        "action": words.labels.of("action", facts.get("action", "?")),
        "why": words.labels.of("refusal", facts.get("error", "?")),
    }


def _erased(words: Words, facts: Facts) -> str:
    if facts.get("basis") == "request":
        return words.gettext("Personal data were erased because somebody asked for it")
    return words.gettext("Personal data were erased because their time was over")


_SENTENCES: Mapping[str, Say] = {
    "call.received": _call_received,
    "call.menu_chosen": _menu_chosen,
    "call.waiting": _call_waiting,
    "call.answered": _call_answered,
    "call.ended": _call_ended,
    "call.back_requested": _plain(msgid("The caller is to be called back")),
    "call.returned": _plain(msgid("The caller was called back and answered")),
    "call.recorded": _plain(msgid("The conversation was recorded")),
    "text.received": _text_received,
    "incident.opened": _plain(msgid("The incident was opened by hand")),
    "priority.set": _changed("priority", msgid("Priority changed from %(old)s to %(new)s")),
    "category.set": _changed("category", msgid("Category changed from %(old)s to %(new)s")),
    "location.set": _location_set,
    "note.added": _plain(msgid("Note")),
    "alert.requested": _alert_requested,
    "alert.sent": _alert_sent,
    "alert.failed": _alert_failed,
    "alert.unanswered": _unanswered,
    "alert.nobody_on_duty": _nobody,
    "assignment.accepted": _accepted,
    "assignment.declined": _declined,
    "assignment.eta_stated": _eta_stated,
    "assignment.promoted": _of_person(msgid("%(who)s now owns the incident")),
    "assignment.stood_down": _stood_down,
    "assignment.en_route": _late(msgid("%(who)s set off")),
    "assignment.staged": _late(msgid("%(who)s waits until the scene is safe")),
    "assignment.on_scene": _late(msgid("%(who)s arrived on scene")),
    "assignment.left_scene": _late(msgid("%(who)s left the scene with the patient")),
    "assignment.at_facility": _late(msgid("%(who)s arrived at the facility")),
    "assignment.available": _of_person(msgid("%(who)s has finished and is available")),
    "help.requested": _help_requested,
    "assignment.joining": _of_person(msgid("%(who)s is being joined with the caller")),
    "call.back_failed": _plain(msgid("The caller could not be called back")),
    "assignment.called_in": _of_person(msgid("%(who)s is called into the caller’s room")),
    "assignment.left_call": _of_person(msgid("%(who)s hung up before meeting the caller")),
    "details.requested": _of_person(msgid("%(who)s asked for the details again")),
    "incident.closed": _closed,
    "incident.merged": _plain(msgid("Merged with another incident")),
    "action.refused": _refused,
    "personal.erased": _erased,
}
