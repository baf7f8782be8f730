"""Measures wizara beside its peers on this computer, in one run, and prints the table; ends with 4 when a bar is missed."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import environment
import measure
from delay import Delay
from farm import Farm
from measure import Figure

ROUND_TRIP = 0.3
_PORT, _FAR = 22022, ("127.1.250.1", 22023)
_LAN_HOSTS, _MANY_HOSTS = 50, 200


@dataclass(frozen=True)
class Bar:
    """A figure and what it must not exceed, or with *least* not stay under."""

    name: str
    value: float
    limit: float
    unit: str = ""
    least: bool = False

    @property
    def holds(self) -> bool:
        """Tell whether it is kept."""
        return self.value >= self.limit if self.least else self.value <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.least else "≤"
        return f"{'held  ' if self.holds else 'MISSED'}  {self.name}: {self.value:.2f}{self.unit} (bar {sign} {self.limit:g}{self.unit})"


def far(folder: Path, pairs: int) -> Iterator[Bar]:
    """Measure one machine behind 300 ms."""
    program = environment.programs()
    with (
        Farm(folder, 2, measure.PEERS, port=_PORT, private=True) as farm,
        Delay(_FAR, (farm.addresses[0], _PORT), ROUND_TRIP) as link,
    ):
        where = ((_FAR[0],), _FAR[1], link)
        batch = str(folder / "batch.json")
        measure.wizara(farm, farm.addresses[:1], _PORT, batch=batch)
        ours, theirs = [], []
        for _pair in range(pairs):
            ours.append(_said("wizara, plan and apply, nothing to do", measure.wizara(farm, *where)))
            theirs.append(_said("the same questions in one script by hand", measure.batch(farm, *where, batch)))
        changing = _said("wizara, 14 of 30 changing", measure.wizara(farm, *where, version="2"))
        measure.wizara(farm, farm.addresses[:1], _PORT)
        stock = _said("pyinfra, plan and apply, nothing to do", measure.pyinfra(program, farm, *where))
        playbook = _said("Ansible, pipelining, nothing to do", measure.ansible(program, farm, *where))
        pair = statistics.median(one.wall / other.wall for one, other in zip(ours, theirs, strict=True))
        wall = statistics.median(one.wall for one in ours)
        yield Bar("300 ms, no-op, against one script by hand", pair, 1.25, " ×")
        yield Bar("300 ms, no-op, pyinfra against wizara", stock.wall / wall, 10, " ×", least=True)
        yield Bar("300 ms, no-op, Ansible against wizara", playbook.wall / wall, 20, " ×", least=True)
        yield Bar("300 ms, 14 of 30 changing", changing.wall, 15, " s")
        yield Bar("SSH sessions a host", max(one.sessions for one in ours), 1)
        yield Bar("bytes up a host, no-op", max(one.up for one in ours) / 1000, 25, " kB")


def near(folder: Path) -> Iterator[Bar]:
    """Measure many machines without delay: the controller's own work."""
    program = environment.programs()
    with Farm(folder, _MANY_HOSTS, measure.PEERS, port=_PORT, private=True) as farm:
        one, some = farm.addresses[:1], farm.addresses[:_LAN_HOSTS]
        measure.wizara(farm, one, _PORT)
        alone = _said("wizara, 1 machine near", measure.wizara(farm, one, _PORT))
        ours = _said(f"wizara, {_LAN_HOSTS} machines near", measure.wizara(farm, some, _PORT))
        stock_alone = _said("pyinfra -y, 1 machine near", measure.pyinfra(program, farm, one, _PORT, plan=False))
        stock = _said(
            f"pyinfra -y, {_LAN_HOSTS} machines near", measure.pyinfra(program, farm, some, _PORT, plan=False)
        )
        many = _said(f"wizara, {_MANY_HOSTS} machines near", measure.wizara(farm, farm.addresses, _PORT))
        print(
            f"    more CPU a machine: wizara {_more(alone, ours):.0f} ms, pyinfra {_more(stock_alone, stock):.0f} ms",
            flush=True,
        )
        yield Bar(f"CPU a machine at {_LAN_HOSTS}, against pyinfra's", ours.cpu / stock.cpu, 0.5, " ×")
        yield Bar(
            f"memory at {_MANY_HOSTS} machines over the interpreter",
            many.said["peak_kib"] / 1024 - _interpreter(),
            150,
            " MiB",
        )


def _more(alone: Figure, some: Figure) -> float:
    return (some.cpu - alone.cpu) / (_LAN_HOSTS - 1) * 1000


def _interpreter() -> float:
    """Return the MiB of a Python that does nothing."""
    program = "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    return (
        int(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout) / 1024
    )


def _said(name: str, figure: Figure) -> Figure:
    crossed = (
        f"{figure.sessions:4} sessions {figure.up / 1000:8.1f} kB up {figure.down / 1000:8.1f} kB down"
        if figure.up
        else ""
    )
    print(f"{name:48} {figure.wall:7.2f} s {figure.cpu:7.2f} s CPU  {crossed}".rstrip(), flush=True)
    return figure


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="*", choices=["far", "near"], default=["far", "near"])
    parser.add_argument("--pairs", type=int, default=3)
    asked = parser.parse_args()
    began = time.monotonic()
    names = environment.versions(environment.programs())
    print(
        f"pyinfra {names['pyinfra']}, ansible-core {names['ansible-core']}; 30 operations; {ROUND_TRIP * 1000:g} ms there and back",
        flush=True,
    )
    bars: list[Bar] = []
    with tempfile.TemporaryDirectory(prefix="wizara-bench-") as folder:
        if "far" in asked.what:
            bars += far(Path(folder) / "far", asked.pairs)
        if "near" in asked.what:
            bars += near(Path(folder) / "near")
    print(*map(str, bars), f"measured in {time.monotonic() - began:.0f} s", sep="\n")
    return 0 if all(bar.holds for bar in bars) else 4


if __name__ == "__main__":
    sys.exit(main())
