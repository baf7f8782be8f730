"""What stood on a node before wizara first replaced it: told, and put back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wizara.engine.reach import Machine
from wizara.errors import Refusal
from wizara.text import _

_FIRST = r"""
kept=/var/lib/wizara/originals
first() {
  path=$1 awk '{at = index($0, " "); if (substr($0, at + 1) == ENVIRON["path"]) {print substr($0, 1, at - 1); exit}}' "$kept/runs"
}
"""
_LIST = (
    _FIRST
    + r"""
[ -e "$kept/index" ] || exit 0
while IFS= read -r path; do
  run=$(first "$path")
  if [ -e "$kept/$run$path" ] || [ -L "$kept/$run$path" ]; then echo "file $run $path"; else echo "none $run $path"; fi
done < "$kept/index"
"""
)
_RESTORE = (
    _FIRST
    + r"""
set -eu
umask 077
dest=$1 run=$(first "$1")
copy=$kept/$run$dest
if [ ! -e "$copy" ] && [ ! -L "$copy" ]; then
  [ -e "$dest" ] || [ -L "$dest" ] || exit 0
  rm -f "$dest"; echo removed; exit 0
fi
about() { stat -c '%F %u %g %a' "$1"; readlink "$1" || true; }
same() { [ "$(about "$1")" = "$(about "$2")" ] && cmp -s "$1" "$2"; }
if { [ -e "$dest" ] || [ -L "$dest" ]; } && same "$copy" "$dest"; then exit 0; fi
new=$(mktemp "${dest%/*}/.wizara-restore-XXXXXXXX")
trap 'rm -f "$new"' EXIT
cp -a --remove-destination "$copy" "$new"
[ -L "$new" ] || sync "$new"
mv -fT "$new" "$dest"
trap - EXIT
sync "${dest%/*}"
echo restored
"""
)


@dataclass(frozen=True)
class Original:
    """A path that wizara once replaced."""

    path: str
    run: str
    """The run that replaced it first."""
    existed: bool
    """False when nothing stood there."""


def originals(machine: Machine) -> tuple[Original, ...]:
    """Return what was replaced on *machine*, in the order in which it was."""
    lines = [line.split(" ", 2) for line in machine.run_as_root(_LIST).splitlines() if line]
    return tuple(Original(path, run, kind == "file") for kind, run, path in lines)


def restore(machine: Machine, original: Original) -> Literal["restored", "removed", "same"]:
    """Put back what stood at the path: content, owner, mode; or remove what was not there."""
    said = machine.run_as_root(_RESTORE, original.path).strip()
    if said == "restored":
        return "restored"
    return "removed" if said == "removed" else "same"


def find(found: tuple[Original, ...], path: str, node: str) -> Original:
    """Return the original of *path*; Refusal when wizara never replaced it."""
    for one in found:
        if one.path == path:
            return one
    raise Refusal(
        _("{node}: wizara never replaced {path}; nothing was changed").format(node=node, path=path),
        hint=_("without a path, the replaced files are listed"),
    )
