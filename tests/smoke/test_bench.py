"""The benchmark's own program, in a tiny configuration: that it runs, not how fast anything is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.measures import COMMIT_BYTES
from tests.tidy.tree import ROOT

ENTRY = {"name", "unit", "median", "p95", "p99", "rounds", "limit", "target", "met"}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_suite_lives_whole_calls_and_writes_its_figures(tmp_path: Path) -> None:
    written = tmp_path / "bench.json"
    command = [
        sys.executable,
        "-m",
        "bench",
        "latency",
        "lifecycles",
        "papers",
        "--tiny",
        "--on",
        "sqlite",
        "--large",
        "0",
    ]
    command += ["--folder", str(tmp_path / "bench"), "--out", str(written)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)

    # One says that a target was missed, which nothing so small can judge.
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
    figures = {figure["name"].strip(): figure for figure in json.loads(written.read_text(encoding="utf-8"))}
    assert all(set(figure) == ENTRY for figure in figures.values())
    latency = figures["webhook → first byte, 20 at once, SQLite, one process"]
    assert latency["unit"] == "ms"
    assert 0 < latency["median"] <= latency["p95"] <= latency["p99"]
    durable = figures[f"limit: the same with one durable commit of {COMMIT_BYTES} bytes"]
    assert latency["limit"] == durable["median"]
    lives = figures["whole lifecycles, 20 at a time, SQLite, one process"]
    assert lives["target"] == "≥ 25"
    assert lives["met"] == (lives["median"] >= 25)
    assert figures["webhooks in each"]["median"] == 22
    assert figures["lives of the whole run that took another course"]["median"] == 0
    assert figures["events verified, SQLite"]["target"] == "≥ 20000"
    pack = figures["evidence pack of a month, 20 incidents in a year, SQLite"]
    assert pack["met"] == (pack["median"] <= 15)
    assert "whole lifecycles" in done.stdout
