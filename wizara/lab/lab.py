"""A lab that is up, and what can be done in it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from wizara.errors import Unfinished, UsageFault
from wizara.lab import leftovers, namespace, reach, state
from wizara.lab.process import run
from wizara.lab.wiring import CORE, INTERNET, OPERATOR
from wizara.place import did_you_mean
from wizara.record.world import World
from wizara.text import _

_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8", "USER": "root",
    "TERM": os.environ.get("TERM", "dumb"),
}  # fmt: skip


class Lab:
    """The ministry's machines and networks on this computer."""

    def __init__(self, kept: state.Kept) -> None:
        self.kept = kept
        self.name = kept.name
        self.folder = state.folder(kept.name)

    def world(self) -> World:
        """Return the world that commands act on in this lab."""
        return World(self.name, namespace.path(self.name, OPERATOR), self.folder)

    def namespace(self, where: str) -> Path:
        """Return the network namespace file of a node, host or observer."""
        if where not in self.places():
            raise UsageFault(_("nothing in the lab is called {name}").format(name=where))
        return namespace.path(self.name, where)

    def down(self) -> None:
        """End the lab; nothing of it stays."""
        leftovers.clear(self.name)

    def places(self) -> list[str]:
        """Return where something can be run: nodes, hosts, observers, and the two namespaces of the lab itself."""
        return [*self.kept.machines, *self.kept.hosts, CORE, INTERNET]

    def command(self, where: str, argv: Sequence[str]) -> list[str]:
        """Return the command of this computer that runs *argv* at *where*: within the machine, or in the bare namespace."""
        if where not in self.places():
            near = did_you_mean(where, self.places())
            raise UsageFault(
                _("nothing in the lab is called {name}").format(name=where),
                hint=_("did you mean '{word}'?").format(word=near) if near else _("see wizara lab status"),
            )
        if where in self.kept.machines:
            leader = self.leader(where)
            entered = ["--target", str(leader), "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd"]
            return ["nsenter", *entered, "--", "setpriv", f"--bounding-set={_withheld(leader)}", "--", *argv]
        return ["nsenter", f"--net={namespace.path(self.name, where)}", "--", *argv]

    def environment(self, where: str) -> dict[str, str]:
        """Return the environment of a command at *where*: a machine is not told of this computer's."""
        return _ENVIRONMENT if where in self.kept.machines else {**os.environ}

    def runs(self, node: str) -> bool:
        """Tell whether the machine *node* is running."""
        try:
            return bool(self.leader(node))
        except Unfinished:
            return False

    def exec(
        self, where: str, argv: Sequence[str], *, stdin: str | None = None, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run *argv* at *where* and return how it ended; raise Unfinished when it takes longer than *timeout* seconds."""
        feed = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
        try:
            return subprocess.run(
                self.command(where, argv), capture_output=True, text=True, errors="replace", timeout=timeout, check=False,
                env=self.environment(where), **feed,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Unfinished(
                _("{where}: {program} did not end within {seconds:.0f} s").format(
                    where=where, program=argv[0], seconds=timeout
                )
            ) from None

    def leader(self, node: str) -> int:
        """Return the number of the machine's first process; raise Unfinished when the machine is not running."""
        try:
            supervisor = int((self.folder / "machines" / node / "nspawn.pid").read_text())
            children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
        except (OSError, ValueError):
            children = []
        for child in children:
            # nspawn's own helper shares this computer's process numbers; the machine's first process has its own.
            status = Path(f"/proc/{child}/status").read_text()
            numbers = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[1:]
            if len(numbers) > 1:
                return int(child)
        raise Unfinished(
            _("{node} is not running").format(node=node), hint=str(self.folder / "machines" / node / "console.log")
        )

    def wait_port(self, where: str, address: str, port: int, timeout: float = 60) -> None:
        """Return once TCP *address*:*port* answers from *where*; raise Unfinished after *timeout* seconds."""
        deadline = time.monotonic() + timeout
        file = namespace.path(self.name, where)
        while not namespace.within(file, lambda: reach.accepts(address, port)):
            if time.monotonic() > deadline:
                raise Unfinished(
                    _("{address} port {port} does not answer from {where}").format(
                        address=address, port=port, where=where
                    )
                )
            time.sleep(0.05)

    def wait_unit(self, node: str, unit: str, timeout: float = 60) -> None:
        """Return once *unit* is active on *node*; raise Unfinished when it failed, or after *timeout* seconds."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                found = self.exec(node, ["systemctl", "is-active", unit], timeout=10).stdout.strip()
            except Unfinished:
                found = "unreachable"
            if found == "active":
                return
            if found == "failed" or time.monotonic() > deadline:
                raise Unfinished(_("{node}: {unit} is {found}").format(node=node, unit=unit, found=found))
            time.sleep(0.1)

    def reboot(self, node: str, timeout: float = 60) -> None:
        """Reboot *node*; its network is wiped to what the lab wired. Return once its SSH answers again."""
        before = self.leader(node)
        self.exec(node, ["systemctl", "reboot"], timeout=20)
        deadline = time.monotonic() + timeout
        while state.started(before) is not None:
            if time.monotonic() > deadline:
                raise Unfinished(_("{node} does not go down").format(node=node))
            time.sleep(0.05)
        self.wait_port(node, "127.0.0.1", 22, timeout)
        self.wait_port(OPERATOR, self.kept.machines[node].manage, 22, timeout)

    def _interface(self, where: str) -> tuple[str, str]:
        """Return namespace and interface that see everything on a link or LAN."""
        if where in self.kept.links:
            return INTERNET, self.kept.links[where].interface
        if where in self.kept.lans:
            return CORE, self.kept.lans[where]
        known = [*self.kept.links, *self.kept.lans]
        raise UsageFault(
            _("no link or LAN {name}").format(name=where), hint=_("known: {names}").format(names=", ".join(known))
        )

    @contextlib.contextmanager
    def capture(self, where: str) -> Iterator[Path]:
        """Record every packet on the link ``site.uplink`` or LAN ``site.lan`` into the file this yields, until the block ends."""
        place, interface = self._interface(where)
        folder = self.folder / "captures"
        folder.mkdir(mode=0o700, exist_ok=True)
        target = folder / f"{where}-{time.time_ns()}.pcap"
        argv = ["tcpdump", "-i", interface, "-n", "-U", "-s", "0", "--immediate-mode", "-Z", "root", "-w", str(target)]
        with subprocess.Popen(self.command(place, argv), stderr=subprocess.PIPE, text=True) as recorder:
            try:
                assert recorder.stderr
                for line in recorder.stderr:
                    if "listening on" in line:
                        break
                yield target
            finally:
                time.sleep(0.1)  # what is on the wire now still belongs to it
                recorder.terminate()

    def capture_for(self, where: str, seconds: float) -> Path:
        """Record a link or LAN for *seconds* and return the file."""
        with self.capture(where) as target:
            time.sleep(seconds)
        return target

    def block(self, link: str) -> None:
        """Let nothing pass over *link* any more, as if the line were cut beyond the site."""
        interface = self.kept.links[link].interface if link in self.kept.links else self._interface(link)[1]
        table = f"block_{list(self.kept.links).index(link)}"
        rules = (
            f"table inet {table} {{\n"
            f" chain inwards {{ type filter hook prerouting priority -300; iifname {interface} drop; }}\n"
            f" chain outwards {{ type filter hook postrouting priority 300; oifname {interface} drop; }}\n}}\n"
        )
        run(self.command(INTERNET, ["nft", "-f", "-"]), feed=rules)

    def unblock(self, link: str) -> None:
        """Undo :meth:`block`."""
        run(self.command(INTERNET, ["nft", "delete", "table", "inet", f"block_{list(self.kept.links).index(link)}"]))

    def artifacts(self, folder: Path) -> None:
        """Write into *folder* what tells why a machine is as it is: journal, rules, addresses, routes, console."""
        questions = {
            "journal.txt": ["journalctl", "--no-pager", "--boot"], "nft.txt": ["nft", "list", "ruleset"],
            "addresses.txt": ["ip", "address"], "routes.txt": ["ip", "route", "show", "table", "all"],
            "units.txt": ["systemctl", "--no-pager", "list-units", "--failed"],
        }  # fmt: skip
        for node in self.kept.machines:
            target = folder / node
            target.mkdir(parents=True, exist_ok=True)
            for name, argv in questions.items():
                try:
                    done = self.exec(node, argv, timeout=20)
                    (target / name).write_text(done.stdout + done.stderr)
                except Unfinished as fault:
                    (target / name).write_text(str(fault))
            console = self.folder / "machines" / node / "console.log"
            if console.exists():
                shutil.copy(console, target / "console.log")
        if (self.folder / "log").is_dir():
            shutil.copytree(self.folder / "log", folder / "log", dirs_exist_ok=True)


def _withheld(leader: int) -> str:
    """Return, for setpriv, the capabilities that the machine does not have.

    Who enters a machine from here brings all of this computer's capabilities along: he could set its clock.
    """
    status = Path(f"/proc/{leader}/status").read_text()
    held = int(next(line for line in status.splitlines() if line.startswith("CapBnd:")).split()[1], 16)
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    return ",".join(f"-cap_{number}" for number in range(last + 1) if not held >> number & 1)
