"""Refusals as programs read them: RFC 9457 problem details, one table from a rule's ``code`` to a status.

Decides the status, title and sentence of every refusal of the JSON API. Never decides what is refused, and
never names anything personal: a problem may end up in somebody's log.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.responses import JSONResponse

from dispatch.domain.errors import DispatchError

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:siaga911:problem:"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldProblem:
    """What is wrong with one field of a request."""

    field: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One refusal. ``code`` is stable; ``detail`` is a sentence for the person who reads the log."""

    status: int
    code: str
    title: str
    detail: str
    errors: tuple[FieldProblem, ...] = ()
    headers: Mapping[str, str] | None = None


class ProblemError(Exception):
    """Raised where a request cannot be carried out for a reason that no rule of the domain knows."""

    def __init__(self, problem: Problem) -> None:
        """Keep the *problem* to answer with."""
        super().__init__(problem.detail)
        self.problem = problem


class _Params(dict[str, object]):
    """A parameter that a sentence names and a rule left out is shown as a dash instead of failing."""

    def __missing__(self, key: str) -> str:
        return "–"


RULES: Final[Mapping[str, tuple[int, str, str]]] = {
    "refused": (409, "Refused", "A rule does not allow this."),
    "incident_not_found": (404, "No such incident", "This facility has no incident {incident}."),
    "complaint_not_found": (404, "No such complaint", "This facility has no complaint {number}."),
    "staff_not_found": (
        422,
        "No such member of staff",
        "This facility has no member of staff with the code {staff_code}.",
    ),
    "incident_closed": (409, "Incident closed", "Incident {number} is closed; only notes can be added."),
    "not_assigned": (409, "Not assigned", "{staff_code} was never alerted to incident {number}."),
    "wrong_transition": (
        409,
        "Wrong transition",
        "{action} does not follow from {status}, which is where this worker stands.",
    ),
    "already_there": (
        409,
        "Already there",
        "{action} changes nothing: this worker already stands at {status}.",
    ),
    "answer_overtaken": (
        409,
        "Answer overtaken",
        "{action} is older than what this worker was asked, or said, since; it has no effect.",
    ),
    "reason_required": (422, "Reason required", "{field} is needed: lowering a priority is explained."),
    "time_refused": (
        422,
        "Time refused",
        "occurred_at {occurred_at} lies in the future or before the call.",
    ),
    "field_required": (422, "Field required", "{field} is needed for this action."),
    "cannot_merge": (
        409,
        "Cannot merge",
        "Incident {incident} cannot be merged into {into}: that is itself, or closed.",
    ),
    "questionnaire_version": (
        422,
        "Another questionnaire",
        "These answers are to questionnaire {version}; the one that is asked now is {current}.",
    ),
    "answer_refused": (422, "Answer refused", "{field}: {answer} is no answer; they are 1, 2, 3 and 4."),
}
"""Code of a :class:`DispatchError` to status, title and sentence; a test finds any that is missing."""

_STATUS_TITLES: Final[Mapping[int, tuple[str, str]]] = {
    400: ("bad_request", "Request not understood"),
    404: ("not_found", "Not found"),
    405: ("method_not_allowed", "Method not allowed"),
    413: ("too_large", "Request too large"),
}


def of_rule(error: DispatchError) -> Problem:
    """The problem that a rule's refusal amounts to."""
    status, title, sentence = RULES.get(error.code, RULES["refused"])
    detail = sentence.format_map(_Params(error.params))
    field = error.params.get("field") or ("occurred_at" if error.code == "time_refused" else None)
    errors = (FieldProblem(field=str(field), reason=detail),) if field and status == 422 else ()
    return Problem(status=status, code=error.code, title=title, detail=detail, errors=errors)


def of_status(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Problem:
    """The problem behind a bare HTTP status, such as a path that does not exist."""
    code, title = _STATUS_TITLES.get(status, ("refused", "Refused"))
    return Problem(status=status, code=code, title=title, detail=detail, headers=headers)


def bad_field(field: str, reason: str, *, code: str = "invalid") -> ProblemError:
    """One field of the request cannot be used: 422."""
    return ProblemError(of_fields((FieldProblem(field=field, reason=reason),), code=code))


def of_fields(errors: tuple[FieldProblem, ...], *, code: str = "invalid") -> Problem:
    """Fields that cannot be used: 422, each named with its reason."""
    detail = "; ".join(f"{error.field}: {error.reason}" for error in errors)
    return Problem(status=422, code=code, title="Request refused", detail=detail, errors=errors)


def unauthorised(detail: str, *, challenge: str = "Bearer") -> Problem:
    """Nobody we know asked: 401."""
    return Problem(
        status=401,
        code="unauthorized",
        title="Token needed",
        detail=detail,
        headers={"WWW-Authenticate": challenge},
    )


def forbidden(detail: str) -> Problem:
    """This role may not: 403."""
    return Problem(status=403, code="forbidden", title="Not allowed", detail=detail)


def unavailable() -> Problem:
    """The database does not answer: 503, and worth another try."""
    return Problem(
        status=503,
        code="unavailable",
        title="Not available now",
        detail="The database does not answer; nothing was changed. Try again.",
        headers={"Retry-After": "5"},
    )


def respond(problem: Problem) -> JSONResponse:
    """*problem* as ``application/problem+json``."""
    body: dict[str, object] = {
        "type": TYPE_PREFIX + problem.code,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
    }
    if problem.errors:
        body["errors"] = [{"field": error.field, "reason": error.reason} for error in problem.errors]
    return JSONResponse(
        body, status_code=problem.status, media_type=MEDIA_TYPE, headers=dict(problem.headers or {})
    )
