"""Which role may do what through the JSON API.

Every role may read: the log is what managers and auditors are for, and a worker's program shows the roster.
Callers' and colleagues' numbers are masked for all but admin and dispatcher (``dashboards.api.shapes``).
Only admin and dispatcher act. A worker's program cannot act for its worker: a token names no person, and the
record must; workers answer by keypad, text, or their own page.
"""

from starlette.requests import Request

from dashboards import problems
from dashboards.api.tokens import Caller
from dashboards.problems import ProblemError
from dispatch.domain.vocabulary import UserRole

ACTS = frozenset({UserRole.ADMIN, UserRole.DISPATCHER})


READS_EVIDENCE = (UserRole.ADMIN, UserRole.MANAGER, UserRole.AUDITOR)
"""Who gets whole evidence packs, here and on the page: they are for evaluators, and cost seconds of work."""


def reader(request: Request) -> Caller:
    """The program that asks; the gate has let it in."""
    caller = request.state.caller
    assert isinstance(caller, Caller)
    return caller


def actor(request: Request) -> Caller:
    """The same, for what changes something.

    Raises:
        ProblemError: 403, this role only reads.
    """
    caller = reader(request)
    if caller.role not in ACTS:
        raise ProblemError(problems.forbidden(f"The role {caller.role} reads; admin and dispatcher act."))
    return caller


def evidence_reader(request: Request) -> Caller:
    """The same, for whole evidence packs.

    Raises:
        ProblemError: 403, this role has no use for them.
    """
    caller = reader(request)
    if caller.role not in READS_EVIDENCE:
        raise ProblemError(
            problems.forbidden(f"The role {caller.role} gets no packs; admin, manager and auditor do.")
        )
    return caller
