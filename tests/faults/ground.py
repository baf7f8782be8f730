"""A machine that faults are tried on: enrolled, applied, and its state told apart from any other to the last bit."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lab"))
import houses
from houses import ADDRESS, NODE, House

from wizara.engine.reach import HostKey, Login, Machine
from wizara.engine.request import Request
from wizara.engine.session import Session
from wizara.errors import WizaraError
from wizara.inventory import load
from wizara.lab import leftovers
from wizara.record.progress import Ended, Planned, Step

SECONDS = 5
"""The timer of a change in these tests."""
os.environ["WIZARA_CONFIRM_SECONDS"] = str(SECONDS)
BEYOND = 10
"""Within how many seconds beyond the timer a node must be back."""
_runs = itertools.count(1)
_machines = itertools.count(1)
HEAD = "from wizara.operations import *\n"
WORKING = (
    "systemd/", "chrony/", "dpkg/", "apt/", "wizara/", "unbound/root.key", "ucf/", "dbus/", "private/", "sudo/", "logrotate/",
)  # fmt: skip
#: Everything that a rollback or a second try must bring back, one line a thing.
_STATE = r"""
cd /
find etc home root usr/local usr/sbin/policy-rc.d var/lib var/spool var/vmail -xdev 2>/dev/null | sort | while IFS= read -r path; do
  case "$path" in @WORKING@) continue ;; etc/.updated | etc/ld.so.cache | home/*/.bash_history | var/lib/.updated) continue ;; esac
  if [ -L "$path" ]; then echo "link $path $(readlink "$path")"
  elif [ -f "$path" ]; then echo "file $(stat -c '%n %U %G %a' "$path") $(sha256sum < "$path" | cut -c1-16)"
  else stat -c 'folder %n %U %G %a' "$path"; fi
done
dpkg-query -W -f 'package ${Package} ${Version} ${db:Status-Status}\n'
systemctl list-unit-files --no-legend | sed 's/^/enabled /; s/ *$//' | grep -v transient
systemctl list-units --no-legend --plain --type=service --state=active | cut -d' ' -f1 | grep -vE 'user|session' | sed 's/^/active /'
nft -s list ruleset | sed 's/^/nft /'
ip -o addr | sed -E 's/valid_lft.*//; s/^[0-9]+: /address /' | grep -v fe80
for family in -4 -6; do ip $family route show table all | grep -v fe80 | sed -E 's/^/route /; s/ linkdown//'; ip $family rule | sed 's/^/rule /'; done
ip -o link | sed -E 's/.*: ([^ :@]+).* mtu ([0-9]+).*/link \1 \2/'
command -v wg > /dev/null && for device in $(wg show interfaces); do wg showconf $device | sed 's/^/wg /'; done
for name in ip_forward conf/all/rp_filter conf/all/accept_redirects conf/all/send_redirects; do echo "setting $name $(cat /proc/sys/net/ipv4/$name)"; done
true
""".replace("@WORKING@", " | ".join(f"var/lib/{name}*" for name in WORKING))
#: What may be left by nobody, at no time when nothing runs.
_LEFT = r"""
find / -xdev '(' -name '.wizara-*' -o -name 'wizara-rollback-*' ')' -not -path '/proc/*' 2>/dev/null
find /var/lib/wizara/changes /run/wizara/changes -mindepth 1 ! -name history ! -name lock 2>/dev/null
[ ! -e /usr/sbin/policy-rc.d ] || echo policy-rc.d
systemctl list-units --all --no-legend --plain 'wizara-*' 'run-*.service'
find /run/wizara/jobs /run/wizara/audit -mindepth 1 2>/dev/null
find /run/wizara -mindepth 1 -maxdepth 1 ! -name changes ! -name units ! -name jobs ! -name audit ! -name lock ! -name packages.lock 2>/dev/null
[ ! -s /run/wizara/lock ] || cat /run/wizara/lock
[ ! -e /run/wizara/lock ] || flock -n /run/wizara/lock true || echo the lock is held
[ ! -e /run/wizara/packages.lock ] || flock -n /run/wizara/packages.lock true || echo the lock of packages is held
dpkg --audit
pgrep -x 'apt-get|dpkg' || true
"""


@dataclass
class Ground(House):
    """A machine, its inventory, and what was good there last."""

    good: list[str] = field(default_factory=list)

    def state(self) -> list[str]:
        """Return the machine's state, one line a thing."""
        return self.sh(_STATE, timeout=120).splitlines()

    def leftovers(self) -> list[str]:
        """Return what a dead run would have left."""
        return self.sh(_LEFT).splitlines()

    def settle(self) -> None:
        """Take what stands now for the last good state."""
        self.good = self.state()

    def differences(self) -> list[str]:
        """Return what is not as in the last good state."""
        now = self.state()
        return [f"+{line}" for line in now if line not in set(self.good)] + [
            f"-{line}" for line in self.good if line not in set(now)
        ]

    def last_change(self) -> str:
        """Return what the node says of its last change of the way to it."""
        return self.sh("tail -n 1 /var/lib/wizara/changes/history 2>/dev/null; true").strip()

    def reach(self) -> str:
        """Come in from the operator's place as the next apply would, and return what the node says of its last change."""
        pinned = HostKey.parse(
            load(self.folder, enrolled=self.lab.folder / "enrolled.yaml").enrolled.nodes[NODE].host_key
        )
        found: list[str] = []

        def come_in() -> None:
            with Machine(ADDRESS, namespace=self.lab.world().namespace) as machine:
                machine.log_in(Login("wizara", self.lab.folder / "operator_ed25519"), pinned)
                found.append(machine.run_as_root("tail -n 1 /var/lib/wizara/changes/history"))

        # A thread of its own, since a path that swallows packets answers never.
        trying = threading.Thread(target=_quietly(come_in), daemon=True)
        trying.start()
        trying.join(3)
        return found[0].strip() if found else ""

    def back_after(self, began: float, change: str, limit: float = 60) -> float:
        """Return how many seconds after *began* the node let us in and had rolled *change* back; infinity when it did not.

        It is looked at from inside first: logins that are refused make a server shut its door to whoever tries them.
        """
        inside = False
        while time.monotonic() < began + limit:
            inside = inside or self._seen_inside(change)
            if inside and self.reach().startswith(f"{change} rolled-back"):
                return time.monotonic() - began
            time.sleep(0.3)
        return float("inf")

    def _seen_inside(self, change: str) -> bool:
        try:
            done = self.lab.exec(NODE, ["tail", "-n", "1", "/var/lib/wizara/changes/history"], timeout=5)
        except WizaraError:
            return False  # on its way down or up
        return done.stdout.startswith(f"{change} rolled-back")


def _quietly(act: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        try:
            act()
        except (WizaraError, OSError):
            return

    return run


def make(release: str, **settings: object) -> Ground:
    """Return a fresh enrolled machine of *release*."""
    name = f"f{os.getpid()}-{next(_machines)}"
    folder = Path(tempfile.mkdtemp(prefix=f"wizara-{name}-")) / "single"
    houses.write(folder, release, {"user": "root", "key": True}, **settings)  # type: ignore[arg-type]
    made = houses.build(folder, name)
    ground = Ground(folder, name, made.lab)
    done = ground.wizara("enrol")
    assert done.returncode == 0, done.stderr
    return ground


def clear(ground: Ground) -> None:
    """Take the machine away."""
    leftovers.clear(ground.name)
    shutil.rmtree(ground.folder.parent, ignore_errors=True)


class Apply:
    """A deploy of a few lines, checked and applied by the worker; *at* is told of every event and may end it."""

    def __init__(
        self, ground: Ground, code: str, at: Callable[[Apply, Step], None] | None = None, node: str = NODE
    ) -> None:
        number = next(_runs)
        path = Path(ground.folder).parent / f"deploy-{number}.py"
        path.write_text(HEAD + code)
        self.run = f"fault{number}"
        self.change = f"{self.run}-1"
        self.at, self.node = at, node
        self.steps: list[tuple[float, str]] = []
        self.planned: Planned | None = None
        self.ended: Ended | None = None
        self._request = Request(
            verb="apply", folder=str(ground.folder), enrolled=str(ground.lab.folder / "enrolled.yaml"), nodes=(node,), run=self.run,
            deploy=str(path.with_suffix("")), ssh_key=str(ground.lab.folder / "operator_ed25519"),
        )  # fmt: skip
        self._namespace = ground.lab.world().namespace
        self.session: Session | None = None

    def __call__(self) -> Apply:
        """Do it; return when the worker has ended, or was killed."""
        with Session(self._request, self._namespace) as self.session:
            try:
                self._follow()
                if self.ended is None:
                    self.session.go((self.node,))
                    self._follow()
            except (WizaraError, OSError):
                assert self.killed, "the worker stopped by itself"
        return self

    def _follow(self) -> None:
        assert self.session
        for line in self.session.events():
            if isinstance(line, Planned):
                self.planned = line
            elif isinstance(line, Ended):
                self.ended = line
            else:
                self.steps.append((time.monotonic(), line.name))
                if self.at:
                    self.at(self, line)

    def kill(self) -> None:
        """SIGKILL the worker."""
        assert self.session
        self.session._process.kill()

    @property
    def killed(self) -> bool:
        """Whether it was killed."""
        assert self.session
        return self.session._process.wait() == -9

    @property
    def outcome(self) -> str:
        """What the worker says became of the node."""
        return self.ended.outcome if self.ended else "nothing was said"

    @property
    def message(self) -> str:
        """What the worker says of it."""
        return self.ended.message if self.ended else ""
