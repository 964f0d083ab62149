"""Nothing half-done, silenced without a reason, or tied to one machine is committed."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tidy.tree import PACKAGES, dotted, files, modules, shown, syntax_of, text_of

# One letter of each stands in brackets, so that this file does not find itself.
LEFTOVERS = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b")
SILENCED = re.compile(r"#\s*(?:type[:]\s*ignore|noq[a])(?P<rest>.*)$")
# A code in brackets or after a colon, then a dash and a reason.
WITH_REASON = re.compile(r"^(?:\[[\w, -]+\]|:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)\s*[#–—-]\s*\S.{7,}")
REGISTRIES = re.compile(
    r"pypi[.]org|pythonhosted[.]org|npmjs[.](?:org|com)|deb[.]debian[.]org|unpkg[.]com|jsdelivr[.]"
)
THIS_MACHINE = re.compile(r"(?<![\w.])/(?:work|root|Users)/|[.]pyenv/")
UTC_WITHOUT_ZONE = ("utcnow", "utcfromtimestamp")
FORBIDDEN_IN_TESTS = (
    "monkeypatch.setattr",
    "time.sleep",
    "asyncio.sleep",
    "pytest.skip",
    "pytest.xfail",
    "pytest.importorskip",
    "pytest.mark.skip",
    "pytest.mark.skipif",
    "pytest.mark.xfail",
)
VAGUE_WORDS = {"utils", "util", "helpers", "helper", "misc", "common", "manager", "handler"}
WHOLE_PROGRAM = (*PACKAGES, "tests", "tools")


def places(pattern: re.Pattern[str], paths: Iterator[Path] | list[Path]) -> list[str]:
    """Where ``pattern`` stands in ``paths``, as "path:line: text"."""
    return [
        f"{shown(path)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if pattern.search(line)
    ]


def uses(paths: list[Path]) -> Iterator[tuple[Path, int, str]]:
    """Every dotted name in ``paths``: module, line, name."""
    for path in paths:
        for node in ast.walk(syntax_of(path)):
            if isinstance(node, ast.Attribute | ast.Name):
                yield path, node.lineno, dotted(node)


def is_command_line(path: Path) -> bool:
    return shown(path).startswith("config/cli")


def test_nothing_is_left_for_later() -> None:
    assert places(LEFTOVERS, [path for path in files() if path.suffix != ".lock"]) == []


def test_a_silenced_check_says_why() -> None:
    without = []
    for place in places(SILENCED, modules(*WHOLE_PROGRAM)):
        found = SILENCED.search(place)
        assert found is not None
        if not WITH_REASON.match(found["rest"].strip()):
            without.append(place)
    assert without == []


def test_only_the_command_line_prints() -> None:
    printing = [
        f"{shown(path)}:{line}"
        for path, line, name in uses(modules(*PACKAGES))
        if name == "print" and not is_command_line(path)
    ]
    assert printing == []


def test_instants_have_a_zone() -> None:
    naive = [
        f"{shown(path)}:{line}: {name}"
        for path, line, name in uses(modules(*WHOLE_PROGRAM))
        if name.rpartition(".")[2] in UTC_WITHOUT_ZONE and path != Path(__file__)
    ]
    assert naive == []


def test_tests_neither_skip_nor_patch_nor_sleep() -> None:
    found = [
        f"{shown(path)}:{line}: {name}"
        for path, line, name in uses(modules("tests"))
        if name in FORBIDDEN_IN_TESTS
    ]
    assert found == []


@pytest.mark.parametrize("pattern", [REGISTRIES, THIS_MACHINE], ids=["registries", "this machine"])
def test_no_file_is_tied_to_a_place(pattern: re.Pattern[str]) -> None:
    assert places(pattern, files()) == []


def test_package_files_are_empty() -> None:
    full = [
        shown(path) for path in modules(*WHOLE_PROGRAM) if path.name == "__init__.py" and path.stat().st_size
    ]
    assert full == []


def test_names_say_what_is_inside() -> None:
    vague = [shown(path) for path in modules(*PACKAGES) if VAGUE_WORDS & set(path.stem.split("_"))]
    assert vague == []


LATE = (
    "config/cli", "config/serving", "config/wiring", "dashboards/exports/tables", "dashboards/reports/as_",
    "dashboards/reports/codes", "dispatch/domain/distances", "models/migrating",
)  # fmt: skip
"""Which may import within a function what a starting server does not need for its first call (ADR 0022)."""


def test_imports_stand_at_the_top() -> None:
    hidden = [
        f"{shown(path)}:{inner.lineno}"
        for path in modules(*PACKAGES)
        for node in ast.walk(syntax_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom) and not shown(path).startswith(LATE)
    ]
    assert hidden == []


def test_nothing_is_mocked() -> None:
    mocked = [
        f"{shown(path)}:{node.lineno}"
        for path in modules(*WHOLE_PROGRAM)
        for node in ast.walk(syntax_of(path))
        if (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("unittest"))
        or (isinstance(node, ast.Import) and any(name.name.startswith("unittest") for name in node.names))
    ]
    assert mocked == []


def passes_on(handler: ast.ExceptHandler) -> bool:
    """Whether the handler only tidies up: it ends in a bare raise."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_broad_handlers_stand_at_the_edges() -> None:
    """DESIGN 4 and 6: the webhook boundary, the guards of one step each, the command line's main."""
    allowed = (
        "telephony/webhooks",
        "dispatch/service/engine",
        "dispatch/service/metronome",
        "dispatch/service/reconcile",
        "dispatch/service/waiting",
        "dispatch/service/watchdog",
        "config/cli",
    )
    broad = [
        f"{shown(path)}:{node.lineno}"
        for path in modules(*PACKAGES)
        for node in ast.walk(syntax_of(path))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or dotted(node.type) in ("Exception", "BaseException"))
        and not passes_on(node)
        and not shown(path).startswith(allowed)
    ]
    assert broad == []
