"""The ways in which a rule says no.

A :class:`DispatchError` is expected: it is explained to the person who asked and never wakes anybody.
It knows nothing of HTTP or of phones; ``dashboards.problems`` and ``telephony.replies`` each hold one
table from ``code`` to words.
"""

from collections.abc import Mapping


class DispatchError(Exception):
    """A rule refused a command; ``code`` is stable, ``params`` fill the sentence shown to people."""

    code = "refused"

    def __init__(self, **params: object) -> None:
        """Keep what the explanation needs."""
        self.params: Mapping[str, object] = params
        super().__init__(f"{self.code}: {params}")


class IncidentNotFoundError(DispatchError):
    """There is no such incident at this facility."""

    code = "incident_not_found"


class StaffNotFoundError(DispatchError):
    """There is no such member of staff at this facility."""

    code = "staff_not_found"


class IncidentClosedError(DispatchError):
    """The incident is over; nothing about it changes any more, except notes."""

    code = "incident_closed"


class ComplaintNotFoundError(DispatchError):
    """There is no such complaint at this facility."""

    code = "complaint_not_found"


class NotAssignedError(DispatchError):
    """This worker was never alerted to this incident."""

    code = "not_assigned"


class WrongTransitionError(DispatchError):
    """The step does not follow from where the worker stands (DOMAIN 2.7)."""

    code = "wrong_transition"


class AlreadyThereError(WrongTransitionError):
    """The worker already stands there; nothing was changed."""

    code = "already_there"


class AnswerOvertakenError(DispatchError):
    """An answer that is older than the question, or than what the same worker said since, changes nothing."""

    code = "answer_overtaken"


class ReasonRequiredError(DispatchError):
    """Lowering a priority or closing needs a named person and a reason (DESIGN 4)."""

    code = "reason_required"


class TimeRefusedError(DispatchError):
    """The stated time lies in the future or before the call."""

    code = "time_refused"


class FieldRequiredError(DispatchError):
    """The action lacks something it cannot do without."""

    code = "field_required"


class CannotMergeError(DispatchError):
    """An incident cannot be merged into itself or into a closed one."""

    code = "cannot_merge"


class QuestionnaireVersionError(DispatchError):
    """The answers belong to another questionnaire than the one that is asked now; they are not mixed."""

    code = "questionnaire_version"


class AnswerRefusedError(DispatchError):
    """An answer of the survey is none of those that can be given, or to no question."""

    code = "answer_refused"
