"""Systemd units: enabled, running, and running with the files that stand on disk, however the last run ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pyinfra.api import operation

from wizara.operations.change import Change, changing, mark_reaching, record
from wizara.operations.command import Commands, program
from wizara.operations.facts import Active, Unit, UnitStatus
from wizara.operations.look import look
from wizara.operations.target import this_node

#: Services that do what a part of ours does, and cannot do it beside it; each part says which of them it retires.
RETIRED = ("ufw", "firewalld", "netfilter-persistent", "named", "dnsmasq", "pdns-recursor", "systemd-resolved")
Action = Literal["none", "stamp", "start", "restart", "reload"]

_ENABLE = 'systemctl enable --quiet "$1"'
_RELOAD_MANAGER = "systemctl daemon-reload"
# The stamp is written only after the unit runs: a run that dies before it is healed by the next one.
_RUN = r"""
set -eu
unit=$1 action=$2 digest=$3
if [ "$action" != stamp ]; then
  systemctl "$action" "$unit" || { journalctl -q --no-pager -o cat -n 6 -u "$unit" >&2 || true; exit 1; }
  systemctl is-active --quiet "$unit" || { echo "$unit is not active after $action" >&2; exit 1; }
fi
mkdir -p /run/wizara/units
invocation=$(systemctl show -P InvocationID "$unit")
printf '%s %s' "$invocation" "$digest" > "/run/wizara/units/.$unit"
mv "/run/wizara/units/.$unit" "/run/wizara/units/$unit"
"""


def needed(now: UnitStatus, *, reloads: bool = False, in_force: bool = True) -> Action:
    """Return what brings a unit to the files on disk (design §4.6).

    Without a stamp of this very start, files that changed after the unit became active decide; equal seconds count as after.
    """
    if not now.active:
        return "start"
    if not in_force:
        return "reload" if reloads else "restart"
    invocation, _space, digest = now.stamp.partition(" ")
    if invocation and invocation == now.invocation:
        stale = digest != now.digest
        return ("reload" if reloads else "restart") if stale else "none"
    if now.newest_file >= now.active_since:
        return "reload" if reloads else "restart"
    return "stamp"


@operation()
def unit(
    unit_name: str,
    files: Sequence[str] = (),
    reloads: bool = False,
    reaches_node: bool = False,
    ready: str | None = None,
    in_force: str | None = None,
) -> Commands:
    """Keep *unit_name* enabled and running with *files* as they stand; *ready* is a shell line that waits for its service.

    *in_force* is a shell line that fails when the unit is active and its work was undone beside it (``nft flush ruleset``).
    """
    now: UnitStatus = look(Unit, unit_name, tuple(files), in_force or "")
    node = this_node().name
    if reaches_node:
        mark_reaching(node, files)
    action = needed(now, reloads=reloads, in_force=now.in_force)
    if action in {"none", "stamp"} and changing(node) & set(files):
        action = "reload" if reloads else "restart"
    if not now.enabled:
        record(node, Change("unit", "enable", unit_name))
    if action != "none" and action != "stamp":  # noqa: PLR1714 - in this form the type checker follows
        record(node, Change("unit", action, unit_name, reaches_node=reaches_node, found=now.digest[:16]))
    if now.needs_daemon_reload or not now.loaded:
        yield program(_RELOAD_MANAGER)
    if not now.enabled:
        yield program(_ENABLE, unit_name)
    if action != "none":
        yield program(_RUN, unit_name, action, now.digest)
        if ready and action != "stamp":
            yield program(ready)
        if in_force and action != "stamp":
            yield program(_HOLDS, unit_name, in_force)


# An apply that ends well while something else undoes its work would say the same again the next time.
_HOLDS = r"""
(eval "$2") > /dev/null 2>&1 || { echo "$1 runs, but something else on this machine undoes what it put in force" >&2; exit 1; }
"""
_RETIRE = r"""
set -eu
for name in "$@"; do
  if [ "$name" = ufw ]; then ufw --force disable; fi
  systemctl disable --quiet --now "$name.service"
done
"""


@operation()
def retired(unit_names: tuple[str, ...]) -> Commands:
    """Keep services stopped and disabled that a part of ours replaces; one that is not there stays none of our business."""
    now: frozenset[str] = look(Active, unit_names)
    running = tuple(name for name in unit_names if name in now)
    for name in running:
        record(this_node().name, Change("unit", "stop", f"{name}.service", note="replaced by ours"))
    if running:
        yield program(_RETIRE, *running)
