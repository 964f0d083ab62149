"""Writes the lock files from what is installed beside this interpreter; decides no version itself.

The closure is walked once for each Python that the project supports; a package that only some of them need
gets a marker. Only names and versions are written: where they are fetched from is the installer's business.
"""

import importlib.metadata
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
HEADER = "# Written by tools/lock; edit pyproject.toml and run that instead.\n"


def environment(python: str) -> dict[str, str]:
    """The marker values of ``python`` on the kind of machine this is."""
    machine = {str(key): str(value) for key, value in default_environment().items()}
    return machine | {"python_version": python, "python_full_version": f"{python}.0"}


def closure(roots: Iterable[Requirement], python: str) -> set[str]:
    """Canonical names of all packages that ``roots`` lead to under ``python``."""
    machine = environment(python)
    seen: set[tuple[str, str]] = set()
    waiting = [(root, "") for root in roots]
    while waiting:
        requirement, asked_as = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate(machine | {"extra": asked_as}):
            continue
        name = canonicalize_name(requirement.name)
        for extra in ("", *sorted(requirement.extras)):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            needs = importlib.metadata.distribution(name).requires or []
            waiting += [(Requirement(need), extra) for need in needs]
    return {name for name, _ in seen}


def pins(roots: list[Requirement], leave_out: set[str]) -> str:
    """The lines of a lock file for ``roots``, without the packages in ``leave_out``."""
    needed_by = {python: closure(roots, python) for python in PYTHONS}
    lines = []
    for name in sorted(set().union(*needed_by.values()) - leave_out):
        line = f"{name}=={importlib.metadata.version(name)}"
        pythons = [python for python in PYTHONS if name in needed_by[python]]
        if len(pythons) < len(PYTHONS):
            line += " ; " + " or ".join(f'python_version == "{python}"' for python in pythons)
        lines.append(line)
    return HEADER + "".join(f"{line}\n" for line in lines)


def main() -> int:
    """Write both files; 1 with one line when a package is missing here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    runtime = [Requirement(line) for line in project["dependencies"]]
    groups = project["optional-dependencies"]
    dev = [Requirement(line) for group in ("test", "check") for line in groups[group]]
    try:
        in_runtime = set().union(*(closure(runtime, python) for python in PYTHONS))
        files = {"runtime": pins(runtime, set()), "dev": pins(runtime + dev, in_runtime)}
    except importlib.metadata.PackageNotFoundError as missing:
        print(f"Not installed here, so it cannot be pinned: {missing.name}", file=sys.stderr)
        return 1
    for name, text in files.items():
        (ROOT / "requirements" / f"{name}.lock").write_text(text, encoding="utf-8")
        print(f"requirements/{name}.lock: {text.count('==')} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
