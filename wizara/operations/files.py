"""Files and directories on a node: written whole, checked by their daemon, renamed into place, original kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from pyinfra.api import operation

from wizara.inventory.secrets import Secret
from wizara.operations.change import Change, Kind, record, unified_diff
from wizara.operations.command import Commands, program
from wizara.operations.facts import PathStatus, Status
from wizara.operations.look import look
from wizara.operations.render import render
from wizara.operations.target import this_node, this_run

# The temporary file stands in the destination's folder, 0600 from birth; a link that is cut while the content is fed is found
# by its digest. /var/lib/wizara/originals keeps what stood at a path before wizara first replaced it.
KEEP = r"""
keep() {
  kept=/var/lib/wizara/originals; mkdir -p "$kept"
  if grep -qxF "$1" "$kept/index" 2>/dev/null; then return 0; fi
  if [ -e "$1" ] || [ -L "$1" ]; then
    mkdir -p "$kept/$2${1%/*}"; cp -a "$1" "$kept/$2$1"
    [ -L "$1" ] || sync "$kept/$2$1"
  fi
  printf '%s %s\n' "$2" "$1" >> "$kept/runs"; sync "$kept/runs"
  printf '%s\n' "$1" >> "$kept/index"; sync "$kept/index"
}
"""
_PUT = (
    "set -eu\numask 077"
    + KEEP
    + r"""
dest=$1 owner=$2 group=$3 mode=$4 digest=$5 run=$6; shift 6
dir=${dest%/*}
find "$dir" -maxdepth 1 -type f -name '.wizara-*' ! -name ".wizara-$run-*" -delete
new=$(mktemp "$dir/.wizara-$run-XXXXXXXX")
trap 'rm -f "$new"' EXIT
base64 -d > "$new"
sum=$(sha256sum "$new")
[ "${sum%% *}" = "$digest" ] || { echo "content of $dest did not arrive whole" >&2; exit 74; }
chown "$owner:$group" "$new"
chmod "$mode" "$new"
if [ $# -gt 0 ]; then
  check=$1; shift
  sh -c "$check" wizara "$new" >&2 || { echo "$dest was refused by its check and is unchanged" >&2; exit 65; }
fi
sync "$new"
keep "$dest" "$run"
mv -fT "$new" "$dest"
trap - EXIT
sync "$dir"
"""
)

_MODE = 'chown "$2:$3" "$1" && chmod "$4" "$1"'
_MKDIR = 'set -e; mkdir -p "$1"; chown "$2:$3" "$1"; chmod "$4" "$1"'
_REMOVE = "set -eu\numask 077" + KEEP + 'keep "$1" "$2"\nrm -f "$1"\n'


@operation()
def file(
    path: str,
    content: str | bytes | Secret,
    owner: str = "root",
    group: str = "root",
    mode: str = "644",
    check: str | None = None,
    secret: bool = False,
    reaches_node: bool = False,
) -> Commands:
    """Keep *path* exactly so; *check* is a shell line that judges the new file, given as ``$1``, before it takes its place."""
    wanted = content.reveal() if isinstance(content, Secret) else content
    data = wanted.encode() if isinstance(wanted, str) else wanted
    hidden = secret or isinstance(content, Secret)
    digest = hashlib.sha256(data).hexdigest()
    now: PathStatus = look(Status, path, "" if hidden else digest)
    same_content = now.kind == "file" and now.digest == digest
    if same_content and (now.owner, now.group, now.mode) == (owner, group, mode):
        return
    diff = () if hidden else _diff(path, now, data)
    note = _note(now, owner, group, mode, secret=hidden, same_content=same_content)
    kind: Kind = "create" if now.kind == "absent" else "modify"
    record(this_node().name, Change("file", kind, path, diff, note, reaches_node, "" if diff else now.digest[:16]))
    if same_content:
        yield program(_MODE, path, owner, group, mode)
        return
    checks = (check,) if check else ()
    yield program(_PUT, path, owner, group, mode, digest, this_run(), *checks, stdin=data)


def _diff(path: str, now: PathStatus, data: bytes) -> tuple[str, ...]:
    try:
        return unified_diff(path, (now.content or b"").decode(), data.decode())
    except UnicodeDecodeError:
        return ()


def _note(now: PathStatus, owner: str, group: str, mode: str, *, secret: bool, same_content: bool) -> str:
    if now.kind == "absent":
        return "secret" if secret else ""
    notes = [] if same_content or not secret else ["secret changed"]
    if (now.owner, now.group) != (owner, group):
        notes.append(f"owner {now.owner}:{now.group} → {owner}:{group}")
    if now.mode != mode:
        notes.append(f"mode {now.mode} → {mode}")
    return ", ".join(notes)


def template(name: str, source: str, path: str, values: Mapping[str, Any], **settings: Any) -> Any:
    """Keep *path* as template *source* makes it of *values*; the other settings are those of :func:`file`."""
    return file(path=path, content=render(source, values), name=name, **settings)


@operation()
def directory(path: str, owner: str = "root", group: str = "root", mode: str = "755") -> Commands:
    """Keep a directory there, with this owner and mode."""
    now: PathStatus = look(Status, path)
    if now.kind == "directory" and (now.owner, now.group, now.mode) == (owner, group, mode):
        return
    kind: Kind = "create" if now.kind == "absent" else "modify"
    note = "" if now.kind == "absent" else f"{now.owner}:{now.group} {now.mode} → {owner}:{group} {mode}"
    record(this_node().name, Change("directory", kind, path, note=note))
    yield program(_MKDIR, path, owner, group, mode)


@operation()
def absent(path: str, reaches_node: bool = False) -> Commands:
    """Keep no file at *path*."""
    now: PathStatus = look(Status, path)
    if now.kind == "absent":
        return
    record(this_node().name, Change("file", "remove", path, reaches_node=reaches_node, found=now.digest[:16]))
    yield program(_REMOVE, path, this_run())
