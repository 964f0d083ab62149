"""What is carried out again, and what is not."""

import pytest
from sqlalchemy.exc import OperationalError

from models.repeating import once_more


class Command:
    """Fails with the given errors, one after another, and then ends well."""

    def __init__(self, *errors: OperationalError) -> None:
        self._errors = list(errors)
        self.runs = 0

    def __call__(self) -> str:
        self.runs += 1
        if self._errors:
            raise self._errors.pop(0)
        return "done"


def failed(*, connection_is_gone: bool) -> OperationalError:
    error = RuntimeError("the server said no")
    return OperationalError("SELECT", None, error, connection_invalidated=connection_is_gone)


def test_a_command_whose_connection_died_is_carried_out_once_more() -> None:
    command = Command(failed(connection_is_gone=True))
    assert once_more(command) == "done"
    assert command.runs == 2


def test_not_a_third_time() -> None:
    command = Command(failed(connection_is_gone=True), failed(connection_is_gone=True))
    with pytest.raises(OperationalError):
        once_more(command)
    assert command.runs == 2


def test_what_the_server_refused_is_not_asked_again() -> None:
    """It waited for a lock as long as anybody waits: a second time nobody would be there to be answered."""
    command = Command(failed(connection_is_gone=False))
    with pytest.raises(OperationalError):
        once_more(command)
    assert command.runs == 1
