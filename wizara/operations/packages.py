"""Debian packages: a set is there, whatever happened to the last run, and no service starts before it is configured."""

from __future__ import annotations

from pyinfra.api import operation

from wizara.operations.change import Change, record
from wizara.operations.command import Commands, program
from wizara.operations.facts import Packages
from wizara.operations.look import look
from wizara.operations.target import this_node

# A policy-rc.d of somebody else stays; ours is known by its second line and goes away with the run, or with the next one.
_INSTALL = r"""
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
# A run that lost its controller may still be installing here; its end would take our block of services away.
mkdir -p /run/wizara
exec 8> /run/wizara/packages.lock
flock -w 900 8 || { echo "an earlier run still installs packages here" >&2; exit 75; }
policy=/usr/sbin/policy-rc.d
unblock() { if grep -qs 'placed by wizara' "$policy"; then rm -f "$policy"; fi; }
trap unblock EXIT
trap 'exit 130' HUP INT TERM
if [ ! -e "$policy" ]; then printf '#!/bin/sh\n# placed by wizara while packages install\nexit 101\n' > "$policy"; chmod 755 "$policy"; fi
wait="-o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Acquire::http::Timeout=30"
old="-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold"
# apt refuses to work on either, and only the first is told by dpkg itself.
interrupted() { [ -n "$(dpkg --audit 2>/dev/null)" ] || [ -n "$(find /var/lib/dpkg/updates -name '[0-9]*' 2>/dev/null)" ]; }
i=0
while interrupted; do
  said=$(dpkg --force-confdef --force-confold --configure -a 2>&1 8>&-) && break
  i=$((i+1))
  # Unlike apt, dpkg does not wait for somebody else's lock.
  case "$said" in *" lock"*) [ $i -le 150 ] && sleep 2 && continue ;; esac
  printf '%s\n' "$said" >&2; exit 1
done
[ $# -gt 0 ] || exit 0
fresh=$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -mmin -720 2>/dev/null | head -n 1)
refresh() { timeout 900 apt-get -q $wait update >&2 8>&-; }
# Fetched apart from being installed: a fetch that hangs may be cut short, an installation may not.
fetch() { timeout 14400 apt-get -q -y $wait --no-install-recommends --download-only install "$@" >&2 8>&-; }
if [ -z "$fresh" ]; then refresh; fi
fetch "$@" || { refresh; fetch "$@"; }
apt-get -q -y $wait $old --no-install-recommends install "$@" >&2 8>&-
"""


@operation()
def packages(names: tuple[str, ...]) -> Commands:
    """Keep the packages *names* installed; their services are not started by installing them."""
    state: dict[str, str] = look(Packages, names)
    missing = tuple(name for name in names if state.get(name) != "installed")
    node = this_node().name
    if "/broken" in state:
        record(node, Change("packages", "repair", "dpkg", note="an interrupted dpkg is completed first"))
    if "/blocked" in state:
        record(node, Change("packages", "repair", "/usr/sbin/policy-rc.d", note="left by an interrupted run"))
    for name in missing:
        record(node, Change("packages", "install", name))
    if missing or "/broken" in state or "/blocked" in state:
        yield program(_INSTALL, *missing, long=True)
