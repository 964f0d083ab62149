"""The real program, whose stop may take two seconds: ``python -m tests.crash.impatient_program serve …``."""

import sys

from config import cli, ending
from tests.crash.dying_program import put_between

STOPS_WITHIN_S = 2.0

if __name__ == "__main__":
    put_between(ending, "STOPS_WITHIN_S", lambda _usual: STOPS_WITHIN_S)
    cli.main(sys.argv[1:])
