"""The first meeting with a machine: look, refuse what cannot work, make our own way in, prove it, then close the first one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wizara.blueprint import NodePlan
from wizara.engine.connector import PROVISIONER
from wizara.engine.reach import HostKey, Login, LoginRefused, Machine
from wizara.errors import Refusal, Unfinished, Unreachable
from wizara.inventory.models import EnrolledNode
from wizara.operations.render import render
from wizara.text import _

_CLOCK_SECONDS = 300
_FREE_KIB = 1024 * 1024
_SETTLE_SECONDS = 15
Progress = Callable[[str], None]

_LOOK = r"""
. /etc/os-release; echo "release ${VERSION_CODENAME:-?}"
echo "clock $(date +%s)"
echo "free $(df -kP /var | awk 'NR==2 {print $4}')"
echo "uid $(id -u)"
for device in /sys/class/net/*; do echo "nic $(basename "$device") $(cat "$device/address" 2>/dev/null)"; done
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || echo "sudo absent"
  sudo -k -n true 2>/dev/null && echo "sudo free"
fi
true
"""

# A source on a CD that is no longer in the drive stops every installation; what stood there is kept beside it.
_MEND_APT = r"""
set -eu
release=$1 mirror=$2 security=$3 proxy=$4
list=/etc/apt/sources.list
usable() { grep -hsE '^(deb |URIs:)' $list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources | grep -vq 'cdrom:'; }
if grep -qs '^deb cdrom:' $list || ! usable; then
  [ ! -e $list ] || [ -e $list.before-wizara ] || cp -a $list $list.before-wizara
  { echo "# written by wizara at enrolment; what stood here before is in sources.list.before-wizara"
    echo "deb $mirror $release main"; echo "deb $mirror $release-updates main"; echo "deb $security $release-security main"; } > $list.new
  mv $list.new $list
  echo mended
fi
conf=/etc/apt/apt.conf.d/60wizara-proxy
if [ -n "$proxy" ] && ! grep -qsF "\"$proxy\"" $conf; then echo "Acquire::http::Proxy \"$proxy\";" > $conf; echo mended; fi
true
"""

_ACCOUNT = r"""
set -eu
umask 077
login=$1
keys=$(cat)
changed=
id "$login" >/dev/null 2>&1 || { useradd --create-home --shell /bin/bash --comment "wizara provisioning" "$login"; changed=y; }
home=$(getent passwd "$login" | cut -d: -f6)
mkdir -p "$home/.ssh"
if [ "$(cat "$home/.ssh/authorized_keys" 2>/dev/null)" != "$keys" ]; then
  printf '%s\n' "$keys" > "$home/.ssh/.new"; mv "$home/.ssh/.new" "$home/.ssh/authorized_keys"; changed=y
fi
chown -R "$login:" "$home/.ssh"
rule="$login ALL=(ALL:ALL) NOPASSWD: ALL"
if [ "$(cat /etc/sudoers.d/wizara 2>/dev/null)" != "$rule" ]; then
  printf '%s\n' "$rule" > /etc/sudoers.d/.wizara.new; chmod 440 /etc/sudoers.d/.wizara.new
  visudo -cqf /etc/sudoers.d/.wizara.new
  mv /etc/sudoers.d/.wizara.new /etc/sudoers.d/wizara; changed=y
fi
[ -z "$changed" ] || echo changed
"""

_TUNNEL_KEY = r"""
set -eu
umask 077
export DEBIAN_FRONTEND=noninteractive
if ! command -v wg >/dev/null; then
  apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::http::Timeout=30 update >&2
  apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::http::Timeout=30 --no-install-recommends install wireguard-tools >&2
fi
mkdir -p /etc/wireguard; chmod 700 /etc/wireguard
key=/etc/wireguard/$1.key
[ -s "$key" ] || { wg genkey > "$key.new"; mv "$key.new" "$key"; }
wg pubkey < "$key"
"""

# Ours is the file that the node deploy keeps from then on. A server that refuses it keeps its own.
_CLOSE = r"""
set -eu
file=/etc/ssh/sshd_config.d/10-wizara.conf
new=$(mktemp /etc/ssh/.wizara-XXXXXX)
trap 'rm -f "$new"' EXIT
cat > "$new"; chmod 600 "$new"
if cmp -s "$new" "$file"; then exit 0; fi
mkdir -p /run/sshd /etc/ssh/sshd_config.d
sshd -t -f "$new"
mv "$new" "$file"
sshd -t || { rm -f "$file"; echo "the SSH server refuses the new settings" >&2; exit 1; }
systemctl reload ssh.service
echo changed
"""


@dataclass(frozen=True)
class Meeting:
    """What is needed to meet one machine."""

    plan: NodePlan
    first: Login
    """The login that the installer left."""
    ours: Login
    """How the provisioning account is logged in to."""
    namespace: Path | None = None
    address: str | None = None
    """Where it answers now, when that is not where it is managed from."""

    def open(self) -> Machine:
        """Connect, and say nothing yet."""
        return Machine(self.address or str(self.plan.manage), namespace=self.namespace)


def enrol(meeting: Meeting, expected: HostKey, pin: Callable[[EnrolledNode], bool], progress: Progress) -> bool:
    """Meet a machine that holds the key *expected*; return whether anything changed, there or in what *pin* writes down.

    Refusal says what hinders, and then nothing was changed. The first way in is closed last, after our own was proved over a new
    connection and pinned, so a meeting that is cut short can always be begun again.
    """
    changed = False
    with _come_in(meeting, expected, progress) as machine:
        facts = _look(machine, meeting)
        changed |= _mend_apt(machine, meeting.plan)
        progress(_("creating the account {login}").format(login=PROVISIONER))
        changed |= "changed" in machine.run_as_root(_ACCOUNT, PROVISIONER, stdin="\n".join(meeting.plan.provisioners))
    progress(_("proving the new way in"))
    with meeting.open() as machine:
        machine.log_in(meeting.ours, expected)
        if machine.run_as_root("id -u").strip() != "0":
            raise Refusal(
                _("{node}: sudo does not give root to {login}").format(node=meeting.plan.name, login=PROVISIONER)
            )
        vpn_key = None
        if meeting.plan.tunnel:
            progress(_("making the tunnel's key"))
            vpn_key = machine.run_as_root(_TUNNEL_KEY, meeting.plan.tunnel.device).strip()
        changed |= pin(EnrolledNode(host_key=str(expected), vpn_key=vpn_key, devices=_devices(meeting.plan, facts)))
        progress(_("closing the first way in"))
        changed |= "changed" in machine.run_as_root(_CLOSE, stdin=render("node/sshd.conf.j2", {"node": meeting.plan}))
    _prove_again(meeting, expected)
    return changed


def _come_in(meeting: Meeting, expected: HostKey, progress: Progress) -> Machine:
    """Log in by our own way where an earlier meeting made it, else by the installer's, over a connection of its own."""
    machine = meeting.open()
    try:
        machine.log_in(meeting.ours, expected)
    except LoginRefused:
        machine.close()
        progress(_("logging in as {user}").format(user=meeting.first.user))
        machine = meeting.open()
        machine.log_in(meeting.first, expected)
    return machine


def _prove_again(meeting: Meeting, expected: HostKey) -> None:
    """Log in once more after the server took its new settings; it may be a moment before it listens again."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while True:
        try:
            with meeting.open() as machine:
                return machine.log_in(meeting.ours, expected)
        except Unreachable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _look(machine: Machine, meeting: Meeting) -> dict[str, list[list[str]]]:
    """Return what the machine says of itself, after refusing what cannot work."""
    facts: dict[str, list[list[str]]] = {}
    before = time.time()
    for line in machine.run(_LOOK).splitlines():
        word, *rest = line.split()
        facts.setdefault(word, []).append(rest)
    name = meeting.plan.name
    release = facts["release"][0][0]
    if release != meeting.plan.release:
        raise Refusal(
            _("{node} runs {found}, declared is {declared}").format(
                node=name, found=release, declared=meeting.plan.release
            )
        )
    skew = int(facts["clock"][0][0]) - (before + time.time()) / 2
    if abs(skew) > _CLOCK_SECONDS:
        raise Refusal(
            _("{node}: its clock is {seconds} s off").format(node=name, seconds=round(skew)),
            hint=_("set it first: timedatectl set-time"),
        )
    free = int(facts["free"][0][0])
    if free < _FREE_KIB:
        raise Refusal(_("{node}: {mib} MiB free on /var, 1024 are needed").format(node=name, mib=free // 1024))
    _refuse_without_sudo(facts, machine, name)
    return facts


def _refuse_without_sudo(facts: dict[str, list[list[str]]], machine: Machine, name: str) -> None:
    sudo = [words[0] for words in facts.get("sudo", [])]
    if "absent" in sudo:
        raise Refusal(_("{node} has no sudo").format(node=name), hint=_("log in as root, or install it at the console"))
    if facts["uid"][0][0] != "0" and "free" not in sudo:
        try:
            machine.run_as_root("true")
        except Unfinished as fault:
            raise Refusal(
                _("{node}: this login may not use sudo").format(node=name),
                hint=_("--sudo-password asks for its password"),
            ) from fault


def _mend_apt(machine: Machine, plan: NodePlan) -> bool:
    if plan.apt is None:
        return False
    arguments = (plan.release, plan.apt.mirror, plan.apt.security, plan.apt.proxy or "")
    return "mended" in machine.run_as_root(_MEND_APT, *arguments)


def _devices(plan: NodePlan, facts: dict[str, list[list[str]]]) -> dict[str, str]:
    """Return port → interface name, for the ports whose MAC was declared and found."""
    by_mac = {words[1]: words[0] for words in facts.get("nic", []) if len(words) > 1}
    missing = [port.name for port in plan.ports if port.mac and port.mac not in by_mac]
    if missing:
        raise Refusal(
            _("{node}: no interface has the declared MAC of {ports}").format(node=plan.name, ports=", ".join(missing))
        )
    return {port.name: by_mac[port.mac] for port in plan.ports if port.mac}
