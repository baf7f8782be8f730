"""Counts the faults that were survived, by kind, and what else was counted, and prints the one table at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

#: What a test may count with ``record_property``: kept and all, as ``N of M``, or a plain number. Summed over all tests.
ACKNOWLEDGED, LOAD, INPUTS = "acknowledged things lost", "load held", "bad inputs tried"
_KIND = "fault_kind"


@dataclass
class _Table:
    kinds: dict[str, list[bool]] = field(default_factory=dict)
    counted: dict[str, list[int]] = field(default_factory=dict)
    """What was counted → how many, and of how many where that was told."""
    most: float = 0.0
    """The highest load of this computer, as its kernel averages it over a minute."""

    def count(self, name: str, told: str) -> None:
        words = [int(word) for word in told.split(" of ")]
        sums = self.counted.setdefault(name, [0] * len(words))
        self.counted[name] = [one + more for one, more in zip(sums, words, strict=True)]


_TABLE = pytest.StashKey[_Table]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TABLE] = _Table()
    config.addinivalue_line("markers", f"{_KIND}(name): the row of the fault table that a test counts in")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take the share of each push on Debian 13 alone; every test has a row in the table."""
    for item in items:
        if "bookworm" in item.name:
            item.own_markers[:] = [marker for marker in item.own_markers if marker.name != "share"]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()
    table = item.config.stash[_TABLE]
    table.most = max(table.most, os.getloadavg()[0])
    marker = item.get_closest_marker(_KIND)
    kind = str(marker.args[0]) if marker else item.path.stem.removeprefix("test_").replace("_", " ")
    if report.when == "call" or report.failed:
        table.kinds.setdefault(kind, []).append(report.passed)
    if report.when == "call":
        for name, told in item.user_properties:
            table.count(name, str(told))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    table = config.stash[_TABLE]
    if not table.kinds:
        return
    terminalreporter.section("faults survived")
    for kind, results in sorted(table.kinds.items()):
        _row(terminalreporter, kind, f"{sum(results)} of {len(results)}")
    every = [result for results in table.kinds.values() for result in results]
    _row(terminalreporter, "all", f"{sum(every)} of {len(every)}")
    for name in (ACKNOWLEDGED, INPUTS, LOAD, *sorted(table.counted.keys() - {ACKNOWLEDGED, INPUTS, LOAD})):
        _row(terminalreporter, name, " of ".join(map(str, table.counted.get(name, ()))) or "not counted in this run")
    _row(terminalreporter, "highest load of this computer", f"{table.most:.1f} on {os.cpu_count()} cores")


def _row(terminalreporter: pytest.TerminalReporter, name: str, value: str) -> None:
    terminalreporter.write_line(f"{name:<52} {value:>12}")
