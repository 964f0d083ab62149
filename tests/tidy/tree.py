"""The project's files as the tidy tests see them: what is written by people, not what tools leave behind."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("config", "telephony", "dashboards", "dispatch", "models")
NOT_OURS = {
    ".git",
    ".venv",
    "var",
    "dist",
    "build",
    "__pycache__",
    "node_modules",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    ".import_linter_cache",
}
BINARY = {".png", ".ico", ".mo", ".db", ".ogg", ".mp3", ".wav", ".woff2", ".zip", ".pdf", ".xlsx"}


def files() -> Iterator[Path]:
    """Every text file of the project, in order."""
    waiting = [ROOT]
    while waiting:
        for path in sorted(waiting.pop().iterdir()):
            if path.name in NOT_OURS or path.name.endswith((".egg-info", ".db-wal", ".db-shm")):
                continue
            if path.is_dir():
                waiting.append(path)
            elif path.suffix not in BINARY:
                yield path


def modules(*folders: str) -> list[Path]:
    """The Python files under ``folders``."""
    return sorted(path for path in files() if path.suffix == ".py" and within(path, folders))


def within(path: Path, folders: tuple[str, ...]) -> bool:
    """Whether ``path`` stands under one of the project's ``folders``."""
    return path.relative_to(ROOT).parts[0] in folders


def shown(path: Path) -> str:
    """The path as messages write it."""
    return path.relative_to(ROOT).as_posix()


def text_of(path: Path) -> str:
    """The file's text."""
    return path.read_text(encoding="utf-8")


def syntax_of(path: Path) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse(text_of(path), filename=str(path))


def dotted(node: ast.expr) -> str:
    """``a.b.c`` for a name or an attribute, an empty text for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""
