"""``wizara test``: runs wizara's own tests, each kind by its name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import click

from wizara import tree
from wizara.errors import ExitCode, Unfinished, UsageFault
from wizara.text import _

#: Of the unit tests; one more than the cores of the smallest machine, for many of them wait for clocks.
_WORKERS = "3"
KINDS = ("lint", "unit", "lab", "fresh", "vm", "bench", "faults", "slow")
DEFAULT = ("lint", "unit", "lab")
#: what each push takes of the kinds that are otherwise run by name
_SHARE = {"faults": ["-m", "share"]}
#: kinds that make machines and networks
_AS_ROOT = frozenset({"lab", "fresh", "vm", "bench", "faults", "slow"})
#: the long ones of the lab stand beside the others, under the marker ``slow``
_FOLDERS = {"slow": "lab"}
_CHOSEN = {"lab": ["-m", "not slow"], "slow": ["-m", "slow"]}
_KEPT = "LANG,LC_ALL,LC_MESSAGES,NO_COLOR,PYTHONPATH,WIZARA_STATE,WIZARA_CACHE"


class Tally(NamedTuple):
    """How many tests came out how."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def plus(self, other: Tally) -> Tally:
        """Return the sum."""
        return Tally(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)


@click.command()
@click.argument("kinds", nargs=-1, type=click.Choice(KINDS))
def command(kinds: tuple[str, ...]) -> int:
    """Run wizara's own tests: KINDS of them, or else lint, unit, lab and a share of faults.

    lint: style, types, contracts, spelling; unit: without a machine; lab: on machines in network namespaces; fresh: on
    new Debian systems; vm: in emulated machines; bench, faults, slow: long ones. All but lint and unit need root.
    """
    chosen = kinds or DEFAULT
    if not (tree.root() / "tests").is_dir():
        raise UsageFault(_("the tests come with the checkout, not with the package"))
    for kind in chosen:
        if not _files(kind):
            raise UsageFault(_("there are no tests of the kind '{kind}' yet").format(kind=kind))
    tally = Tally()
    for kind in chosen:
        click.echo(_("── {kind}").format(kind=kind), err=True)
        tally = tally.plus(_lint() if kind == "lint" else _pytest(kind, _CHOSEN.get(kind, [])))
    if not kinds:
        for kind, marked in _SHARE.items():
            click.echo(_("── {kind}").format(kind=kind), err=True)
            tally = tally.plus(_pytest(kind, marked))
    skipped = _(", {number} skipped").format(number=tally.skipped) if tally.skipped else ""
    click.echo(f"{tally.passed} passed, {tally.failed} failed{skipped}")
    return ExitCode.PENDING if tally.failed else ExitCode.DONE


def _files(kind: str) -> list[Path]:
    """Return what pytest is given for *kind*; nothing when there is nothing of that kind."""
    tests = tree.root() / "tests"
    if kind == "lint":
        return [tests]
    folder = tests / _FOLDERS.get(kind, kind)
    files = [folder] if any(folder.rglob("test_*.py")) else []
    return [*files, *sorted(tests.glob("test_*.py"))] if kind == "unit" else files


def _lint() -> Tally:
    """Run the checkers over the checkout, all of them even when one complains."""
    programs = Path(sys.executable).parent
    written = ("wizara", "deploys", "audits", "tests", "docs", "README.md")
    spelt = [name for name in written if (tree.root() / name).exists()]
    lines = (["ruff", "check"], ["ruff", "format", "--check"], ["mypy"], ["lint-imports"], ["codespell", *spelt])
    tally = Tally()
    for line in lines:
        good = _run([str(programs / line[0]), *line[1:]]) == 0
        verdict = _("passed") if good else _("FAILED")
        click.echo(f"{verdict}: {' '.join(line)}", err=True)
        tally = tally.plus(Tally(passed=int(good), failed=int(not good)))
    return tally


def _pytest(kind: str, marked: list[str]) -> Tally:
    """Run pytest over the *marked* files of *kind*, under sudo where it takes root, and count its results."""
    with tempfile.TemporaryDirectory(prefix="wizara-test-") as folder:
        results = Path(folder) / "results.xml"
        line = [sys.executable, "-m", "pytest", "-q", f"--junitxml={results}", *map(str, _files(kind))]
        line += ["-n", _WORKERS, "--dist", "worksteal"] if kind == "unit" else marked
        if kind in _AS_ROOT and os.geteuid() != 0:
            click.echo(_("running as root with sudo: the tests make machines and networks"), err=True)
            line = ["sudo", f"--preserve-env={_KEPT}", *line]
        code = _run(line)
        if not results.is_file():
            message = _("the tests of the kind '{kind}' did not run: pytest ended with {code}")
            raise Unfinished(message.format(kind=kind, code=code))
        return _count(results)


def _run(line: list[str]) -> int:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    # Tests interrupt what they start; a shell's background job would hand them its deafness to Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return subprocess.run(line, check=False, cwd=tree.root(), env=environment).returncode


def _count(results: Path) -> Tally:
    suites = ET.parse(results).getroot().iter("testsuite")  # noqa: S314 - pytest has just written it
    tally = Tally()
    for suite in suites:
        whole, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        tally = tally.plus(Tally(whole - failed - skipped, failed, skipped))
    return tally
