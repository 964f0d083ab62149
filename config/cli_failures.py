"""The one line that a person sees when a command failed."""

import structlog
from sqlalchemy.exc import OperationalError

from config.cli_words import CommandRefusedError
from config.files import FileRefusedError
from config.settings import SettingsError, variable


def line_of(error: BaseException) -> str:
    """What to say of *error*; of what nobody expected, the log gets everything."""
    if isinstance(error, SettingsError | FileRefusedError | CommandRefusedError):
        return str(error)
    if isinstance(error, OperationalError):
        cause = str(error.orig).strip().partition("\n")[0]
        return f"{variable('database_url')}: the database does not answer: {cause}"
    structlog.get_logger("siaga.cli").error("cli.failed", exc_info=error)
    return f"siaga failed: {type(error).__name__}; the line above has the details"
