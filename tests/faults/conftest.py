"""Counts the faults that were survived, by kind, and prints the table at the end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

_TABLE = pytest.StashKey[dict[str, list[bool]]]()
_KIND = "fault_kind"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TABLE] = {}
    config.addinivalue_line("markers", f"{_KIND}(name): the row of the fault table that a test counts in")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take the share of each push on Debian 13 alone."""
    for item in items:
        if "bookworm" in item.name:
            item.own_markers[:] = [marker for marker in item.own_markers if marker.name != "share"]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()
    marker = item.get_closest_marker(_KIND)
    if marker and (report.when == "call" or report.failed):
        item.config.stash[_TABLE].setdefault(str(marker.args[0]), []).append(report.passed)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    table = config.stash[_TABLE]
    if not table:
        return
    terminalreporter.section("faults survived")
    for kind, results in sorted(table.items()):
        terminalreporter.write_line(f"{kind:<52} {sum(results):>3} of {len(results)}")
    every = [result for results in table.values() for result in results]
    terminalreporter.write_line(f"{'all':<52} {sum(every):>3} of {len(every)}")
