"""The lock of a site: held on its first gateway by a connection, so that it dies with its holder and never grows stale."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import gevent
import paramiko
from pyinfra.api.host import Host

from wizara.blueprint import Blueprint, derive
from wizara.engine.companion import Pending
from wizara.engine.connector import connector
from wizara.engine.fence import SECONDS, now
from wizara.engine.hosts import host_data, way
from wizara.engine.reach import Machine
from wizara.errors import Refusal, Unfinished, Unreachable, WizaraError
from wizara.inventory.models import Ministry
from wizara.operations.change import Change
from wizara.text import _

FILE = "/run/wizara/lock"
#: Seconds between two signs of life, and after how many without one the machine lets go.
BEAT, PATIENCE = 4.0, 20
_WAIT_SECONDS = 15
# The children must not hold the lock: a run that was killed may leave a command behind on the machine.
_HOLD = r"""
set -u
umask 077; mkdir -p "${1%/*}"; chmod 755 "${1%/*}"
exec 9>> "$1"
if ! flock -n 9; then
  for _turn in 1 2 3 4 5; do [ -s "$1" ] && break; sleep 0.1; done
  echo "held $(head -c 2000 "$1")"; exit 75
fi
printf '%s\n' "$2" > "$1"
echo ours
while timeout "$3" sh -c 'IFS= read -r line' 9>&-; do echo heard; done
: > "$1"
"""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock, as its file tells."""

    holder: str
    """``login@computer``"""
    run: str
    since: str
    """UTC, ISO 8601."""

    def as_json(self) -> str:
        """Return one line for the lock's file."""
        return json.dumps({"holder": self.holder, "run": self.run, "since": self.since})


class Locked(Refusal):
    """Somebody else is changing the site."""


class Lost(Unfinished):
    """The machine has let our lock go, or may have: somebody else may be changing the site by now."""


class SiteLock:
    """The lock of one site, held while its connection lives and the machine hears of us."""

    def __init__(self, site: str, node: str, machine: Machine) -> None:
        self.site = site
        self.node = node
        self._machine = machine
        self._channel: paramiko.Channel | None = None
        self._unheard: deque[float] = deque()
        """When the signs of life were sent that the machine has not acknowledged yet."""
        self.renewed = 0.0
        """When the last acknowledged sign of life was sent: for PATIENCE seconds from then on nobody else gets the lock."""

    def take(self, holder: Holder) -> None:
        """Take the lock; Locked names who holds it."""
        began = now()
        channel = self._machine.begin_as_root(_HOLD, FILE, holder.as_json(), str(PATIENCE))
        channel.settimeout(_WAIT_SECONDS)
        said = _first_line(channel)
        if said == "ours":
            channel.settimeout(None)
            self._channel, self.renewed = channel, began
            threading.Thread(target=self._hear, args=(channel,), daemon=True).start()
            return
        channel.close()
        if not said.startswith("held "):
            raise Unreachable(_("{node} did not give the lock of {site}").format(node=self.node, site=self.site))
        raise Locked(
            _held(self.site, said.removeprefix("held ")),
            hint=_("it is free the moment that run ends; there is nothing to unlock"),
        )

    @property
    def held(self) -> bool:
        """True while the machine surely holds the lock for us."""
        alive = self._channel is not None and not self._channel.closed and not self._channel.exit_status_ready()
        return alive and now() - self.renewed < PATIENCE

    def beat(self) -> None:
        """Tell the machine that we are alive; Lost when it has let the lock go."""
        self.refuse_lost()
        last = self._unheard[-1] if self._unheard else self.renewed
        if now() - last >= BEAT - 0.5 and self._channel:
            self._unheard.append(now())
            self._channel.sendall(b"\n")

    def refuse_lost(self) -> None:
        """Raise Lost when the machine has let the lock go, or may have: nothing was heard of it for too long."""
        if not self.held:
            raise Lost(
                _("the lock of {site} was lost: the connection to {node} was cut").format(
                    site=self.site, node=self.node
                )
            )

    def lease(self, after: float) -> float:
        """Return when it was last renewed, once that was after *after* and is not long ago; Lost when it comes to no more."""
        while not (self.renewed > after and now() - self.renewed < SECONDS):
            self.refuse_lost()
            gevent.sleep(0.05)
        self.refuse_lost()
        return self.renewed

    def _hear(self, channel: paramiko.Channel) -> None:
        with contextlib.suppress(OSError, EOFError):
            while said := channel.recv(1024):
                for _line in range(said.count(b"\n")):
                    self.renewed = self._unheard.popleft() if self._unheard else self.renewed

    def release(self) -> None:
        """Let it go."""
        if self._channel:
            self._channel.close()
            self._channel = None
        self._machine.close()


def keepers(blueprint: Blueprint, enrolled: Collection[str], sites: Iterable[str]) -> dict[str, str]:
    """Return site → the node that keeps its lock: the first gateway, else the first node, of those that are enrolled."""
    found: dict[str, str] = {}
    for site in sites:
        nodes = [plan for plan in blueprint.nodes.values() if plan.site == site and plan.name in enrolled]
        found[site] = min(nodes, key=lambda plan: not plan.is_gateway).name
    return found


class Locks:
    """The companion that holds the locks of all sites of an apply, from before its first question to its end."""

    def __init__(self, ministry: Ministry, nodes: Iterable[str], holder: Holder, key_file: str | None) -> None:
        """Begin to take the locks of the sites of *nodes*, each on its own; *key_file* is the only key, where it is given."""
        self._blueprint = derive(ministry)
        self._holder = holder
        self._hosts = host_data(ministry, run=holder.run, ssh_key=key_file, secrets={})
        sites = dict.fromkeys(self._blueprint.nodes[name].site for name in nodes)
        chosen = keepers(self._blueprint, ministry.enrolled.nodes, sites)
        self._taking = {site: gevent.spawn(self._take, site, node) for site, node in chosen.items()}
        self._beating = gevent.spawn(self._beat)

    def permit(self, node: str) -> None:
        """Wait until the lock of the site of *node* is ours; Locked or Unreachable when it is not to be had."""
        taken: SiteLock | WizaraError = self._taking[self._blueprint.nodes[node].site].get()
        if isinstance(taken, WizaraError):
            raise taken

    def begin(self, host: Host, steps: tuple[Pending, ...]) -> None:
        """From here on the node itself refuses what comes later than the lock surely holds."""
        taken = self._taking[self._blueprint.nodes[str(host)].site].get()
        if isinstance(taken, SiteLock):
            connector(host).line.lease = taken.lease

    def before(self, host: Host, step: Pending) -> None:
        """Stop a node whose lock was lost: somebody else may be at it."""
        taken: SiteLock | WizaraError = self._taking[self._blueprint.nodes[str(host)].site].get()
        if isinstance(taken, SiteLock):
            taken.beat()

    def after(self, host: Host, step: Pending, done: tuple[Change, ...]) -> None:
        """Nothing to do."""

    def end(self, host: Host, failure: str) -> str:
        """Nothing: other nodes of the site may still be at it."""
        return failure

    def release(self) -> None:
        """Let all locks go."""
        self._beating.kill()
        for lock in self._ours(wait=True):
            lock.release()

    def _take(self, site: str, node: str) -> SiteLock | WizaraError:
        try:
            lock = SiteLock(site, node, Machine.over(way(node, self._hosts[node])))
            lock.take(self._holder)
        except Unreachable as fault:
            words = _("the lock of {site} is kept on {node}: {fault}").format(site=site, node=node, fault=fault.message)
            return Unreachable(words, hint=fault.hint)
        except WizaraError as fault:
            return fault
        return lock

    def _ours(self, *, wait: bool = False) -> list[SiteLock]:
        ready = [job for job in self._taking.values() if wait or job.ready()]
        return [taken for job in ready if isinstance(taken := job.get(), SiteLock)]

    def _beat(self) -> None:
        while True:
            gevent.sleep(BEAT)
            for lock in self._ours():
                with contextlib.suppress(WizaraError, OSError):
                    lock.beat()


def _first_line(channel: paramiko.Channel) -> str:
    said = b""
    try:
        while not said.endswith(b"\n"):
            more = channel.recv(1)
            if not more:
                break
            said += more
    except TimeoutError:
        return ""
    return said.decode(errors="replace").strip()


def _held(site: str, told: str) -> str:
    try:
        by = Holder(**json.loads(told))
    except (ValueError, TypeError):
        return _("the site {site} is locked by somebody whose name could not be read").format(site=site)
    words = _("the site {site} is locked by {holder}: run {run}, since {since}")
    return words.format(site=site, holder=by.holder, run=by.run, since=by.since)
