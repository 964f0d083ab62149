"""The written pages: one title each, links that lead somewhere, every setting and every word of the field."""

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest

from config.settings import PREFIX, Settings
from dispatch.domain.vocabulary import AssignmentStatus, IncidentStatus, Priority, Role
from tests.tidy.tree import ROOT, files, shown, text_of

PAGES = sorted(path for path in files() if path.suffix == ".md")
FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r"^# \S", re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)(?:\s+\"[^\"]*\")?\)")
GLOSSARY = ROOT / "docs" / "glossary.md"
HEADING = re.compile(r"^#+\s+(?P<text>.+?)\s*$", re.MULTILINE)


def prose(path: Path) -> str:
    """The page without its code blocks."""
    return FENCE.sub("", text_of(path))


def anchor(heading: str) -> str:
    """The address that a heading gets on the page of a repository."""
    kept = re.sub(r"[^\w\- ]", "", heading.lower().replace("`", ""))
    return kept.replace(" ", "-")


def dead_links(path: Path) -> Iterator[str]:
    for link in LINK.finditer(prose(path)):
        target, _, fragment = link["target"].partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        page = (path.parent / target).resolve() if target else path
        if not page.exists():
            yield target
        elif fragment and page.suffix == ".md":
            anchors = {anchor(heading["text"]) for heading in HEADING.finditer(prose(page))}
            if fragment not in anchors:
                yield f"{target}#{fragment}"


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_a_page_has_one_title(page: Path) -> None:
    assert len(TITLE.findall(prose(page))) == 1


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_links_lead_somewhere(page: Path) -> None:
    assert list(dead_links(page)) == []


def test_every_setting_is_described() -> None:
    described = "".join(text_of(page) for page in PAGES if shown(page).startswith("docs/"))
    missing = [
        name for field in Settings.model_fields if (name := f"{PREFIX}{field.upper()}") not in described
    ]
    assert missing == []


@pytest.mark.parametrize("words", [Priority, IncidentStatus, AssignmentStatus, Role])
def test_the_glossary_knows_the_words_of_the_field(words: type[StrEnum]) -> None:
    known = text_of(GLOSSARY).lower().replace("_", " ")
    assert [word.value for word in words if word.value.replace("_", " ") not in known] == []
