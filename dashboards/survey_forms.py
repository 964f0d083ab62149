"""What a questionnaire's form sends, whoever fills it in; and the questions as a page shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from dashboards.i18n import Language
from dashboards.incident_actions import word
from dispatch.domain.questionnaire import CURRENT, FORM_ORDER, Education, Element, Occupation, Sex
from dispatch.service.survey_answers import Filled

LONGEST_SUGGESTION = 2_000
LONGEST_FIELD = 10_000

PARTICULARS = (("sex", Sex), ("education", Education), ("occupation", Occupation))
"""What may be told of oneself, with the choices."""


async def sent_fields(request: Request) -> Mapping[str, str]:
    """The fields of the form; one that is sent twice counts by its last."""
    form = await request.form()
    return {
        name: value.replace("\x00", "").strip()[:LONGEST_FIELD]
        for name, value in form.items()
        if isinstance(value, str)
    }


Sent = Annotated[Mapping[str, str], Depends(sent_fields)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question: its number on the form, its words, and the answer that is chosen so far."""

    number: int
    element: Element
    text: str
    answers: Sequence[tuple[int, str]]
    chosen: str = ""


def questions(language: Language, sent: Mapping[str, str] | None = None) -> Sequence[Question]:
    """The nine questions in the order of the form; *sent* is what was chosen already."""
    found = []
    for number, element in enumerate(FORM_ORDER, 1):
        wording = CURRENT.wording(element, language)
        found.append(
            Question(
                number=number,
                element=element,
                text=wording.question,
                answers=tuple(enumerate(wording.answers, 1)),
                chosen=(sent or {}).get(element.value, ""),
            )
        )
    return found


def filled(sent: Mapping[str, str]) -> Filled:
    """The questionnaire that *sent* is.

    Raises:
        FormInvalidError: a particular is none of the choices.
    """
    return Filled(
        version=_version(sent.get("version", "")),
        answers={element.value: sent[element.value] for element in FORM_ORDER if sent.get(element.value)},
        sex=word(Sex, sent["sex"], "sex") if sent.get("sex") else None,
        education=word(Education, sent["education"], "education") if sent.get("education") else None,
        occupation=word(Occupation, sent["occupation"], "occupation") if sent.get("occupation") else None,
        suggestion=sent.get("suggestion", "")[:LONGEST_SUGGESTION] or None,
    )


def _version(text: str) -> str:
    """The version as it is called: whoever copies it from paper need not mind blanks and capitals."""
    said = "".join(text.split())
    return CURRENT.version if said.casefold() == CURRENT.version.casefold() else said
