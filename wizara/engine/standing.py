"""What already lives on a machine that wizara meets for the first time: a used server is not a blank one."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from pyinfra.api import FactBase, StringCommand

from wizara.blueprint import NodePlan
from wizara.engine.shell import Command
from wizara.errors import Refusal
from wizara.operations.command import program
from wizara.operations.units import RETIRED
from wizara.record.progress import PlannedChange, Standing
from wizara.text import _

#: Services that fight with what a part brings, whatever they listen on.
_RIVALS = {
    "names": ("named", "bind9", "dnsmasq", "pdns-recursor", "systemd-resolved"),
    "mail": ("exim4", "sendmail", "opensmtpd", "courier-imap"),
    "node": ("ufw", "firewalld", "netfilter-persistent", "docker", "NetworkManager", "shorewall"),
}
#: Files that every installer writes anew, for this very machine.
_OF_INSTALLERS = {"/etc/resolv.conf"}
#: Sockets of a plain Debian that nobody misses from outside: DHCP client, NTP client, mDNS, LLMNR.
_QUIET = {"udp/68", "udp/546", "udp/123", "udp/5353", "udp/5355", "udp/323"}

# A change of the way to the node that nobody confirmed is waited for: what is asked before its end is not true after it.
_SETTLE = r"""
PATH=$PATH:/usr/sbin:/sbin
changes=/var/lib/wizara/changes
open_changes() { find "$changes" -mindepth 2 -maxdepth 2 '(' -name armed -o -name rolling ')' 2>/dev/null; }
if [ -d "$changes" ]; then
  i=0; while [ -n "$(open_changes)" ] && [ $i -lt 180 ]; do sleep 0.5; i=$((i+1)); done
  open_changes | sed 's/^/pending /'
  tail -n 1 "$changes/history" 2>/dev/null | sed 's/^/change /'
  if flock -n "$changes/lock" true; then
    for left in "$changes"/*/; do
      [ ! -d "$left" ] || [ -e "$left/armed" ] || [ -e "$left/rolling" ] || rm -rf "$left"
    done
  fi
fi
"""
#: Asked before all else: what the look itself waits for, in seconds until the node takes it back.
OPEN = Command(
    r"""
for flag in /var/lib/wizara/changes/*/armed /var/lib/wizara/changes/*/rolling; do
  [ -e "$flag" ] || continue
  id=${flag%/*}; read -r up _rest < /proc/uptime
  echo $(($(cat "/run/wizara/changes/${id##*/}/deadline" 2>/dev/null || echo 0) - ${up%.*}))
done
true
""",
    (),
)
_LOOK = (
    _SETTLE
    + r"""
[ "$(cat /proc/sys/net/ipv4/ip_forward)" = 1 ] && echo forwarding
[ -e /var/lib/wizara/applied ] && echo applied
sed -s 's/^/kept /' /var/lib/wizara/originals/index 2>/dev/null
ss -Htulnp 2>/dev/null | sed 's/^/listen /'
ss -Htnp state established 2>/dev/null | sed 's/^/peer /'
set -- named bind9 dnsmasq pdns-recursor systemd-resolved exim4 sendmail opensmtpd courier-imap \
  firewalld netfilter-persistent docker NetworkManager shorewall
for state in $(systemctl is-active "$@" 2>/dev/null); do
  case $state in active|reloading) echo "service $1";; esac
  shift
done
grep -qs '^ENABLED=yes' /etc/ufw/ufw.conf && echo "service ufw"
if command -v nft >/dev/null; then nft list ruleset 2>/dev/null | grep -E '^table' | sed 's/^/rules /'; fi
true
"""
)


# A file that is as its package left it is nobody's work; ucf keeps such files for some packages.
_TOUCHED = r"""
known=$(dpkg-query -W -f '${Conffiles}\n' 2>/dev/null | awk '{print $2 "  " $1}'; cat /var/lib/ucf/hashfile 2>/dev/null)
for path in "$@"; do
  [ -f "$path" ] || continue
  if [ "$path" -nt /var/lib/wizara/began ] && [ -e /var/lib/wizara/began ]; then continue; fi
  sum=$(md5sum "$path")
  printf '%s\n' "$known" | grep -qxF "${sum%% *}  $path" || echo "$path"
done
true
"""


@dataclass(frozen=True)
class Look:
    """What was seen on the machine, before wizara ever applied to it or after."""

    first_time: bool
    """True while our packet filter is not in force and no apply ever came to its end here: what it would cut is still there."""
    sockets: tuple[tuple[str, str, str], ...] = ()
    """(``tcp/5432``, local address, program)"""
    peers: tuple[tuple[str, str, str], ...] = ()
    """(``tcp/5432`` of our side, remote address, program)"""
    services: frozenset[str] = frozenset()
    tables: tuple[str, ...] = ()
    kept: frozenset[str] = frozenset()
    """Files whose originals were kept: what stands there now is ours."""
    forwards: bool = False
    pending: str = ""
    """A change of the way to the node that is not decided yet."""
    rolled_back: int = 0
    """When the last change of the way to the node was taken back, in seconds since the epoch; 0 when it was kept."""


class StandingFact(FactBase[Look]):
    """Listening sockets, established peers, rival services and packet-filter tables of a machine."""

    def command(self) -> StringCommand:
        """Return the question."""
        return program(_LOOK)

    def process(self, output: Iterable[str]) -> Look:
        """Return the answer."""
        lines = list(output)
        tables = [line.removeprefix("rules table ").rstrip(" {") for line in lines if line.startswith("rules ")]
        return Look(
            first_time="inet wizara" not in tables and "applied" not in lines,
            sockets=tuple(_socket(line.split()[1:]) for line in lines if line.startswith("listen ")),
            peers=tuple(_peer(line.split()[1:]) for line in lines if line.startswith("peer ")),
            services=frozenset(line.split()[1] for line in lines if line.startswith("service ")),
            tables=tuple(table for table in tables if table != "inet wizara"),
            kept=frozenset(line.removeprefix("kept ") for line in lines if line.startswith("kept ")),
            forwards="forwarding" in lines,
            pending=next((line.split("/")[-2] for line in lines if line.startswith("pending ")), ""),
            rolled_back=next((int(line.split()[3]) for line in lines if _taken_back(line)), 0),
        )


def _taken_back(line: str) -> bool:
    return line.startswith("change ") and line.split()[2:3] == ["rolled-back"]


class TouchedFact(FactBase[frozenset[str]]):
    """Those of some files that somebody made or changed since their packages were installed."""

    @staticmethod
    def default() -> frozenset[str]:
        """Return what no answer means: none."""
        return frozenset()

    def command(self, paths: tuple[str, ...]) -> StringCommand:
        """Return the question."""
        return program(_TOUCHED, *paths)

    def process(self, output: Iterable[str]) -> frozenset[str]:
        """Return the answer."""
        return frozenset(output)


def refuse_undecided(look: Look) -> None:
    """Refuse a node on which another run's change of the way to it is still open: all that is seen there may be taken back."""
    if look.pending:
        raise Refusal(
            _("a change of the way to this node is not decided yet: {change}").format(change=look.pending),
            hint=_("its own run decides, or the node takes it back by itself: try again in a minute"),
        )


def taken_back(look: Look) -> tuple[Standing, ...]:
    """Return, to be told, that the last change of the way to the node did not stay."""
    if not look.rolled_back:
        return ()
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(look.rolled_back))
    detail = _("the last change of the way to this node could not be confirmed; it was rolled back at {when}")
    return (Standing(kind="rolled-back", subject="change", detail=detail.format(when=when), asks=False),)


def replaced(look: Look, changes: Iterable[PlannedChange]) -> tuple[str, ...]:
    """Return the files that stand there and would be replaced or removed for the first time."""
    files = [one.subject for one in changes if one.operation == "file" and one.kind in {"modify", "remove"}]
    return tuple(path for path in dict.fromkeys(files) if path not in look.kept)


def _split(endpoint: str) -> tuple[str, str]:
    address, _colon, port = endpoint.rpartition(":")
    return address.strip("[]").partition("%")[0], port


def _program(words: list[str]) -> str:
    found = re.search(r'\(\("([^"]+)"', " ".join(words))
    return found.group(1) if found else "?"


def _socket(words: list[str]) -> tuple[str, str, str]:
    address, port = _split(words[4])
    return f"{words[0]}/{port}", address, _program(words[5:])


def _peer(words: list[str]) -> tuple[str, str, str]:
    _own, port = _split(words[2])
    remote, _port = _split(words[3])
    return f"tcp/{port}", remote, _program(words[4:])


def undeclared(
    plan: NodePlan, look: Look, replaces: Iterable[str] = (), touched: frozenset[str] = frozenset()
) -> tuple[Standing, ...]:
    """Return what a first run on the machine would cut, replace or fight with, and that *plan* does not declare."""
    return (*_sockets(plan, look), *_peers(plan, look), *_conflicts(plan, look), *_files(replaces, touched))


def _is_local(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _admitted(plan: NodePlan, service: str, remote: str) -> bool:
    """Tell whether the new rules let *remote* speak to *service*."""
    try:
        address = ip_address(remote)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else address
    return any(
        str(rule.service) == service and (not rule.sources or any(mapped in source for source in rule.sources))
        for rule in plan.inbound
        if mapped is not None or not rule.sources
    )


def _sockets(plan: NodePlan, look: Look) -> Iterable[Standing]:
    known = {str(rule.service) for rule in plan.inbound} | _QUIET
    cut: dict[str, set[str]] = {}
    for service, address, process in look.sockets:
        if service not in known and not _is_local(address):
            cut.setdefault(service, set()).add(_("{program} on {address}").format(program=process, address=address))
    return [
        Standing(kind="socket", subject=service, detail=", ".join(sorted(what)))
        for service, what in sorted(cut.items())
    ]


def _peers(plan: NodePlan, look: Look) -> Iterable[Standing]:
    """Name who is connected now and would be cut; a connection that this machine opened goes on.

    The filter lets established connections pass, but it learns of one that is older than itself only when this machine sends:
    until then its packets are dropped, and after its end it is not let in anew.
    """
    listening = {service for service, _address, _program in look.sockets}
    cut: dict[str, set[str]] = {}
    for service, remote, process in look.peers:
        if service in listening and not _is_local(remote) and not _admitted(plan, service, remote):
            cut.setdefault(service, set()).add(f"{remote} ({process})")
    detail = _("{peers}: cut now, or at its end where the kernel follows the connection already")
    return [
        Standing(kind="peer", subject=service, detail=detail.format(peers=", ".join(sorted(who))))
        for service, who in sorted(cut.items())
    ]


def _conflicts(plan: NodePlan, look: Look) -> Iterable[Standing]:
    rivals = {rival for part in plan.parts for rival in _RIVALS.get(part, ())}
    for name in sorted(look.services & rivals):
        ends = name in RETIRED
        detail = (
            _("active service; it will be stopped and disabled") if ends else _("active service; it stays, beside ours")
        )
        yield Standing(kind="conflict", subject=name, detail=detail)
    if look.tables:
        detail = _("rules of others are in force, and what they drop stays dropped: {tables}")
        yield Standing(kind="conflict", subject="firewall", detail=detail.format(tables=", ".join(look.tables)))
    if look.forwards and not plan.is_gateway:
        yield Standing(kind="conflict", subject="forwarding", detail=_("it routes between networks; that will end"))


def _files(replaces: Iterable[str], touched: frozenset[str]) -> Iterable[Standing]:
    for path in replaces:
        if path in touched and path not in _OF_INSTALLERS:
            yield Standing(kind="file", subject=path, detail=_("made by hand; will be replaced, the original is kept"))
        else:
            detail = _("as it was installed; will be replaced, the original is kept")
            yield Standing(kind="file", subject=path, detail=detail, asks=False)
