"""The satisfaction survey for programs: a part for each version of the questionnaire, nothing rounded.

What people wrote does not stand in it; the steps of the follow-up plan do.
"""

from collections.abc import Iterator, Mapping

from dashboards.queries.survey import FollowUpLine, SurveyPart
from dashboards.reports import data
from dashboards.reports.skm_survey import Survey
from dispatch.domain.questionnaire import FORM_ORDER, Element
from dispatch.domain.survey import Index

COLUMNS = (
    "section", "version", "group", "key", "count", "score", "sum", "nrr", "weighted_nrr", "ikm", "converted",
    "rounded", "grade", "weight", "action", "responsible", "due_on", "status", "note",
)  # fmt: skip


def as_csv(found: Survey) -> str:
    """A row for each figure, each answer of each element, and each step of the plan."""
    return data.csv_text(COLUMNS, _rows(found))


def as_json(found: Survey) -> str:
    """The survey as one document."""
    figures = found.figures
    return data.json_text(
        {
            "report": "skm",
            **data.head(found.cover, found.facility_code),
            "weight": str(found.weight),
            "users": figures.users,
            "respondents_needed": figures.needed,
            "filled": figures.filled,
            "incomplete": figures.incomplete,
            "asked": {str(state): count for state, count in figures.asked.items()},
            "parts": [_part_json(part) for part in figures.parts],
            "trend": list(_trend(found)),
            "follow_up": [_step(line) for line in found.plan],
            "follow_up_before": [_step(line) for line in found.plan_before],
        }
    )


def _part_json(part: SurveyPart) -> data.Row:
    return {
        "version": part.version,
        "filled": part.tally.filled,
        "incomplete": part.tally.incomplete,
        "index": None if part.index is None else _index(part.index),
        "elements": {
            str(element): {
                "answers": {str(score): count for score, count in part.distribution[element].items()},
                "sum": part.tally.sums[element],
                **({} if part.index is None else _element(part.index, element)),
            }
            for element in FORM_ORDER
        },
        "respondents": {group: dict(counts) for group, counts in _respondents(part)},
    }


def _index(index: Index) -> dict[str, object]:
    return {
        "ikm": float(index.ikm),
        "converted": float(index.converted),
        "rounded": float(index.rounded),
        "grade": index.band.letter,
        "weight": str(index.weight),
    }


def _element(index: Index, element: Element) -> dict[str, object]:
    return {
        "nrr": float(index.nrr[element]),
        "weighted_nrr": float(index.weighted[element]),
        "grade": index.grade(element).letter,
    }


def _respondents(part: SurveyPart) -> Iterator[tuple[str, Mapping[str, int]]]:
    """By what they told of themselves; what nobody said is ``not_stated``."""
    who = part.respondents
    for group, counts in (
        ("channel", who.by_channel),
        ("sex", who.by_sex),
        ("education", who.by_education),
        ("occupation", who.by_occupation),
    ):
        yield group, {"not_stated" if key is None else str(key): count for key, count in counts.items()}


def _trend(found: Survey) -> Iterator[data.Row]:
    for period, figures in found.trend:
        for part in figures.parts:
            index = {} if part.index is None else _index(part.index)
            yield {"period": period, "version": part.version, "filled": part.tally.filled, **index}


def _step(line: FollowUpLine) -> data.Row:
    return {
        "period": line.period,
        "element": str(line.element),
        "action": line.action,
        "responsible": line.responsible,
        "due_on": line.due_on.isoformat(),
        "status": str(line.status),
        "note": line.note,
    }


def _rows(found: Survey) -> Iterator[data.Row]:
    figures = found.figures
    yield {"section": "period", "key": found.cover.period.text, "group": found.facility_code}
    for key, count in (
        ("users", figures.users),
        ("respondents_needed", figures.needed),
        ("filled", figures.filled),
        ("incomplete", figures.incomplete),
    ):
        yield {"section": "sample", "key": key, "count": count}
    for state, count in figures.asked.items():
        yield {"section": "asked", "key": str(state), "count": count}
    for part in figures.parts:
        yield from _part_rows(part)
    for row in _trend(found):
        period, filled = row["period"], row["filled"]
        shown = {name: value for name, value in row.items() if name not in ("period", "filled")}
        yield {"section": "trend", "key": period, "count": filled, **shown}
    for section, lines in (("follow_up", found.plan), ("follow_up_before", found.plan_before)):
        for line in lines:
            step = dict(_step(line))
            period, element = step.pop("period"), step.pop("element")
            yield {"section": section, "group": period, "key": element, **step}


def _part_rows(part: SurveyPart) -> Iterator[data.Row]:
    own = {"version": part.version}
    index = {} if part.index is None else _index(part.index)
    yield {"section": "index", **own, "count": part.tally.filled, **index}
    for element in FORM_ORDER:
        key = str(element)
        reckoned = {} if part.index is None else _element(part.index, element)
        yield {"section": "elements", **own, "key": key, "sum": part.tally.sums[element], **reckoned}
        for score, count in part.distribution[element].items():
            yield {"section": "answers", **own, "key": key, "score": score, "count": count}
    for group, counts in _respondents(part):
        for key, count in counts.items():
            yield {"section": "respondents", **own, "group": group, "key": key, "count": count}
