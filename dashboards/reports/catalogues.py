"""The words of the reports in each language, before those of the screen."""

import gettext
from functools import cache
from io import BytesIO

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from dashboards.i18n import LOCALE, Language, catalogue


@cache
def report_catalogue(language: Language) -> gettext.NullTranslations:
    """The words of the reports, and below them those of the screen."""
    source = LOCALE / language / "LC_MESSAGES" / "reports.po"
    words = catalogue(language)
    if not source.exists():
        return words
    compiled = BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=str(language)))
    compiled.seek(0)
    own = gettext.GNUTranslations(compiled)
    own.add_fallback(words)
    return own
