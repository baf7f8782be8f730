"""What operations ask a node: one command a question, answered in one line a fact."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from pyinfra.api import FactBase, StringCommand

from wizara.operations.command import program

# The content comes only when it differs from what is declared: most answers are one short line.
_STATUS = r"""
path=$1 wanted=$2
said=$(stat -c '%F/%U %G %a %s' -- "$path" 2>/dev/null) || { echo absent; exit 0; }
kind=${said%%/*} rest=${said#*/}
case $kind in
  regular*) kind=file;; symbolic*) kind=link;; directory) ;; *) kind=other;;
esac
echo "$kind $rest"
if [ -f "$path" ]; then
  sum=$(sha256sum "$path"); sum=${sum%% *}; echo "$sum"
  if [ -n "$wanted" ] && [ "$sum" != "$wanted" ] && [ "$(stat -Lc %s "$path")" -le 262144 ]; then base64 -w0 "$path"; echo; fi
fi
"""

# One program for all files: a process costs more than what it reads. The digest is that of the lines of a loop over them.
_UNIT = r"""
unit=$1 line=$2; shift 2
systemctl show --timestamp=unix -p LoadState,ActiveState,UnitFileState,InvocationID,ActiveEnterTimestamp,NeedDaemonReload "$unit"
stamp=
if [ -r "/run/wizara/units/$unit" ]; then IFS= read -r stamp < "/run/wizara/units/$unit" || :; fi
echo "Stamp=$stamp"
newest=0 sums= end='
'
if [ $# -gt 0 ]; then
  if sums=$(sha256sum -- "$@" 2>/dev/null); then sums=$sums$end
  else
    sums=
    for path in "$@"; do
      if [ -e "$path" ]; then sums=$sums$(sha256sum "$path" 2>/dev/null)$end
      else sums="$sums absent $path$end"
      fi
    done
  fi
  for changed in $(stat -Lc %Z -- "$@" 2>/dev/null); do [ "$changed" -gt "$newest" ] && newest=$changed; done
fi
digest=$(printf %s "$sums" | sha256sum)
echo "Digest=${digest%% *}"
echo "NewestFile=$newest"
if [ -z "$line" ] || (eval "$line") > /dev/null 2>&1; then echo InForce=yes; else echo InForce=no; fi
"""

# ufw's unit says nothing of its rules: they come with "ufw enable", and its unit is active without them.
_ACTIVE = r"""
names="$*"
set --
for name in $names; do
  if [ "$name" = ufw ]; then grep -qs '^ENABLED=yes' /etc/ufw/ufw.conf && echo ufw
  else set -- "$@" "$name.service"; fi
done
states=$(systemctl is-active "$@")
for state in $states; do
  case $state in active|reloading) echo "${1%.service}";; esac
  shift
done
true
"""

# dpkg's own audit takes a while; it is asked only when the status file holds anything but whole and removed packages.
_PACKAGES = r"""
dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null
if sed -n '/^Status: /p' /var/lib/dpkg/status | grep -qvE ' ok (installed|config-files|not-installed)$' ||
  [ -n "$(ls /var/lib/dpkg/updates 2>/dev/null)" ]; then
  { [ -n "$(dpkg --audit 2>/dev/null)" ] || [ -n "$(find /var/lib/dpkg/updates -name '[0-9]*' 2>/dev/null)" ]; } && echo "/broken /broken"
fi
if grep -qs 'placed by wizara' /usr/sbin/policy-rc.d; then echo "/blocked /blocked"; fi
true
"""

_MEMBERS = 'getent group "$1" | cut -d: -f4'
_LOGIN = r"""
getent passwd "$1" || { echo absent; exit 0; }
id -nG "$1"
"""


@dataclass(frozen=True)
class PathStatus:
    """A path as it stands on a node."""

    kind: str
    owner: str = ""
    group: str = ""
    mode: str = ""
    digest: str = ""
    content: bytes | None = None


class Status(FactBase[PathStatus]):
    """A path's kind, owner, mode, digest, and its content when a digest was given and is not its own."""

    def command(self, path: str, wanted: str = "") -> StringCommand:
        """Return the question; *wanted* is the SHA-256 of what is declared, and stands for nothing secret."""
        return program(_STATUS, path, wanted)

    def process(self, output: Iterable[str]) -> PathStatus:
        """Return the answer."""
        lines = list(output)
        words = lines[0].split()
        if words[0] == "absent":
            return PathStatus("absent")
        content = base64.b64decode(lines[2]) if len(lines) > 2 else None
        return PathStatus(words[0], words[1], words[2], words[3], lines[1] if len(lines) > 1 else "", content)


@dataclass(frozen=True)
class UnitStatus:
    """A systemd unit as it stands on a node, and the files it reads."""

    loaded: bool
    active: bool
    enabled: bool
    invocation: str
    active_since: int
    """Seconds since the epoch; 0 when it is not active."""
    needs_daemon_reload: bool
    stamp: str
    digest: str
    newest_file: int
    in_force: bool = True
    """False when the shell line that looks at what it put into the kernel failed."""


class Unit(FactBase[UnitStatus]):
    """A unit's state, its stamp, and the digest and newest change of the files it reads."""

    def command(self, unit: str, files: tuple[str, ...], in_force: str = "") -> StringCommand:
        """Return the question; *in_force* is a shell line that fails when the unit's work was undone beside it."""
        return program(_UNIT, unit, in_force, *files)

    def process(self, output: Iterable[str]) -> UnitStatus:
        """Return the answer."""
        values = dict(line.split("=", 1) for line in output if "=" in line)
        since = values.get("ActiveEnterTimestamp", "").lstrip("@")
        return UnitStatus(
            loaded=values["LoadState"] == "loaded",
            active=values["ActiveState"] in {"active", "reloading"},
            enabled=values["UnitFileState"] in {"enabled", "static", "alias", "indirect", "generated"},
            invocation=values["InvocationID"],
            active_since=int(since) if since.isdigit() else 0,
            needs_daemon_reload=values["NeedDaemonReload"] == "yes",
            stamp=values["Stamp"],
            digest=values["Digest"],
            newest_file=int(values["NewestFile"]),
            in_force=values["InForce"] == "yes",
        )


class Active(FactBase[frozenset[str]]):
    """Those of some services that are active."""

    @staticmethod
    def default() -> frozenset[str]:
        """Return what no answer means: none."""
        return frozenset()

    def command(self, names: tuple[str, ...]) -> StringCommand:
        """Return the question."""
        return program(_ACTIVE, *names)

    def process(self, output: Iterable[str]) -> frozenset[str]:
        """Return the answer."""
        return frozenset(output)


class Packages(FactBase[dict[str, str]]):
    """Package name → dpkg status, of those it knows; ``/broken``: an interrupted dpkg, ``/blocked``: a left-over start-up block."""

    @staticmethod
    def default() -> dict[str, str]:
        """Return what no answer means: none is there, and nothing is wrong."""
        return {}

    def command(self, names: tuple[str, ...]) -> StringCommand:
        """Return the question."""
        return program(_PACKAGES, *names)

    def process(self, output: Iterable[str]) -> dict[str, str]:
        """Return the answer."""
        return dict(line.split(" ", 1) for line in output if " " in line)


@dataclass(frozen=True)
class LoginStatus:
    """A Unix account as it stands on a node."""

    exists: bool
    home: str = ""
    shell: str = ""
    groups: frozenset[str] = frozenset()


class Login(FactBase[LoginStatus]):
    """A Unix account's home, shell and groups."""

    def command(self, login: str) -> StringCommand:
        """Return the question."""
        return program(_LOGIN, login)

    def process(self, output: Iterable[str]) -> LoginStatus:
        """Return the answer."""
        lines = list(output)
        if lines[0] == "absent":
            return LoginStatus(exists=False)
        fields = lines[0].split(":")
        return LoginStatus(exists=True, home=fields[5], shell=fields[6], groups=frozenset(lines[1].split()))


class Members(FactBase[tuple[str, ...]]):
    """Who is in a group, sorted; nobody where there is no such group."""

    @staticmethod
    def default() -> tuple[str, ...]:
        """Return what no answer means: nobody."""
        return ()

    def command(self, group: str) -> StringCommand:
        """Return the question."""
        return program(_MEMBERS, group)

    def process(self, output: Iterable[str]) -> tuple[str, ...]:
        """Return the answer."""
        return tuple(sorted(name for line in output for name in line.split(",") if name))
