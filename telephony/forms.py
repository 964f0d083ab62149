"""Reading the provider's form fields.

Nothing is validated strictly: the provider may add fields at any time, and a caller's number may be a
name, a word such as ``anonymous``, or missing (TESTBED 2.1, 2.3).
"""

from collections.abc import Mapping

Form = Mapping[str, str]

_SID_LIMIT = 64
"""Characters of an identifier; Twilio's own have 34, and the tables keep 64."""

_DIGITS_LIMIT = 9


class MalformedError(Exception):
    """A genuine request lacks the one field it cannot do without."""

    def __init__(self, field: str) -> None:
        """Name the *field*."""
        super().__init__(field)
        self.field = field


def required(form: Form, field: str) -> str:
    """The identifier in the field.

    Raises:
        MalformedError: it is missing, empty, or longer than any identifier.
    """
    value = form.get(field, "").strip()
    if not 0 < len(value) <= _SID_LIMIT:
        raise MalformedError(field)
    return value


def whole_number(form: Form, field: str) -> int | None:
    """The field as a whole number, or None when it is missing, beyond reason or something else."""
    value = form.get(field, "").strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) <= _DIGITS_LIMIT else None
