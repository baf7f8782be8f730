"""``wizara demo``: rehearses, builds, proves, audits and reports on the shipped ministry, with the same verbs as the field."""

from __future__ import annotations

import shutil
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from wizara.errors import ExitCode

if TYPE_CHECKING:
    from wizara.cli.demo_screen import Shown
    from wizara.cli.planted import Comparison
    from wizara.cli.stage import Result

_LAB = "demo"
_SITE, _LAN = "hq", "office"


@click.command()
@click.option(
    "--keep", is_flag=True, help="Leave the lab up afterwards: wizara lab status, shell and down go on with it."
)
def command(keep: bool) -> int:
    """Rehearse, build, prove and audit the shipped ministry mps on this computer, and write the report."""
    from wizara.cli.world import be_root

    be_root()
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    demo = Demo()
    code = None
    try:
        code = demo.run()
    finally:
        if code is None or not keep:
            demo.end()
    demo.summary(keep=keep)
    return code


@dataclass
class Demo:
    """One demonstration."""

    results: dict[str, Result] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    comparison: Comparison | None = None

    def __post_init__(self) -> None:
        """Find the folders."""
        from wizara.record.world import state_folder

        self.folder = state_folder() / "demo"
        self.ministry = self.folder / "mps"
        self.runs = self.folder / "runs"
        self.report = self.folder / "report"

    def run(self) -> int:
        """Go through all stages; the first that fails ends it."""
        self._prepare()
        from wizara.cli import stage

        common = ["--lab", _LAB, "--runs", str(self.runs)]
        place = str(self.ministry)
        stages = [
            (["lab", "up", place, "--name", _LAB], {ExitCode.DONE}),
            (["secrets", "generate", place, "--lab", _LAB], {ExitCode.DONE}),
            (["enrol", place, "--lab", _LAB], {ExitCode.DONE}),
            (["apply", place, *common, "--yes", "--json"], {ExitCode.DONE}),
            (["verify", place, *common, "--json"], {ExitCode.DONE, ExitCode.PENDING}),
            (["audit", place, _SITE, "--lan", _LAN, *common, "--json"], {ExitCode.DONE, ExitCode.PENDING}),
            (["report", "last", "--runs", str(self.runs), "--lang", "fr,en,ar", "--format", "html,pdf,csv,json",
              "--out", str(self.report)], {ExitCode.DONE}),
        ]  # fmt: skip
        for number, (words, good) in enumerate(stages, start=1):
            stage.heading(number, len(stages), words)
            result = self.results[words[0]] = stage.run(words, self.folder / f"{number}-{words[0]}.txt")
            if result.code not in good:
                click.echo(result.output, err=True)
                return result.code
        return self._judge()

    def end(self) -> None:
        """Take the lab down and give the files back; who interrupts that is heeded once it is done."""
        from wizara.lab import leftovers, ownership

        held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
        try:
            leftovers.clear(_LAB)
            ownership.give_back()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)

    def _prepare(self) -> None:
        """Clear an earlier demonstration away, and work on a copy of the shipped ministry."""
        from wizara import tree
        from wizara.lab import leftovers, remnants

        if remnants(_LAB):
            leftovers.clear(_LAB)
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.mkdir(mode=0o700, parents=True)
        shutil.copytree(tree.shipped_inventories() / "mps", self.ministry)

    def _judge(self) -> int:
        """Return DONE when everything went as it was declared and planted."""
        from wizara.cli.planted import compare
        from wizara.inventory import load
        from wizara.lab import rehearsal

        found = [(one["subject"]["ip"], one["rule"]) for one in self._shown().json_of("audit")["findings"]]
        self.comparison = compare(load(self.ministry), rehearsal.read(self.ministry), _SITE, found)
        proven = self.results["verify"].code == ExitCode.DONE
        return ExitCode.DONE if proven and self.comparison.as_planted else ExitCode.PENDING

    def _shown(self) -> Shown:
        from wizara.cli.demo_screen import Shown

        return Shown(self.results, self.comparison, self.ministry, self.report, time.monotonic() - self.began)

    def summary(self, *, keep: bool) -> None:
        """Print the one screen at the end."""
        from wizara.cli.demo_screen import screen

        click.echo(screen(self._shown(), keep=keep))
