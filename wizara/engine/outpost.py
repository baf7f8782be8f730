"""Runs a program of ours on a node for as long as this connection holds, takes its JSON lines, and leaves nothing there."""

from __future__ import annotations

import ast
import io
import json
import threading
import zipfile
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

import paramiko

from wizara.audit.leash import BEAT_SECONDS, PATIENCE_SECONDS
from wizara.audit.orders import Sighting
from wizara.engine.reach import Machine
from wizara.errors import Refusal, Unfinished, Unreachable, WizaraError
from wizara.text import _
from wizara.tree import expose

_COPY_SECONDS = 120.0
"""How long the program may take to get there: it has some 25 KB, and lines of 9,600 bit/s are in use."""
_LINE = 1 << 20
"""Bytes of one line; a node that sends longer ones is not ours any more."""

_OURS = frozenset({"wizara", "audits"})

#: The program's folder is locked as long as it is in use; what a machine that lost its power left is nobody's. The program
#: itself takes its folder away once it is in memory; the trap does when it never came so far.
LAND = r"""
set -eu
umask 077
command -v python3 >/dev/null || { echo '{"kind": "absent"}'; exit 0; }
base=/run/wizara/audit
(umask 022; mkdir -p "${base%/*}")
mkdir -p "$base"
exec 8<"$base"
flock -w 10 8
for old in "$base"/*; do
  [ -d "$old" ] || continue
  flock -n "$old" rm -rf -- "$old" || :
done
mine=$(mktemp -d "$base/XXXXXXXXXX")
trap 'rm -rf -- "$mine"' EXIT
trap 'exit 130' HUP INT TERM PIPE
exec 9<"$mine"
flock -n 9
exec 8<&-
timeout 120 head -c "$1" > "$mine/program.pyz"
python3 -I -B "$mine/program.pyz" "$mine"
"""


def needed(entry: str) -> tuple[str, ...]:
    """Return the module *entry*, all of ours that it imports in turn, and their packages, in order."""
    expose()
    found, waiting = set[str](), [entry]
    while waiting:
        name = waiting.pop()
        path = _place(name) if name not in found and name.partition(".")[0] in _OURS else None
        if path:
            found.add(name)
            waiting += [name.rpartition(".")[0], *_imported(path.read_text(encoding="utf-8"))]
    return tuple(sorted(found))


def _place(name: str) -> Path | None:
    """Return the file of the module *name*; None when it is something within one."""
    try:
        spec = find_spec(name)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.origin else None


def _imported(source: str) -> list[str]:
    """Return what *source* imports when it runs: names that may be modules; what only a type checker reads is left out."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
    return names


def archive(modules: Iterable[str], start: str) -> bytes:
    """Return *modules* and the program *start* as one file that Python runs; the same modules give the same bytes."""
    expose()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in modules:
            spec = find_spec(name)
            assert spec is not None
            assert spec.origin is not None
            inside = name.replace(".", "/") + ("/__init__.py" if spec.submodule_search_locations else ".py")
            packed.writestr(_entry(inside), Path(spec.origin).read_bytes())
        packed.writestr(_entry("__main__.py"), start)
    return out.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


class Outpost:
    """A program of ours on a node."""

    def __init__(self, machine: Machine, name: str) -> None:
        self._machine, self._name = machine, name

    def sightings(self, program: bytes, orders: str) -> Iterator[Sighting]:
        """Run *program* there as root, and yield what it sees as it sees it.

        Raises its fault; Refusal when the node has no Python, Unreachable when the line is cut, Unfinished when it died.
        """
        channel = self._machine.converse_as_root(LAND, str(len(program)))
        over = threading.Event()
        try:
            channel.settimeout(_COPY_SECONDS)
            threading.Thread(
                target=self._feed, args=(channel, program + orders.encode() + b"\n", over), daemon=True
            ).start()
            for line in self._lines(channel):
                channel.settimeout(PATIENCE_SECONDS)
                seen = self._read(line)
                if seen == "done":
                    return
                if isinstance(seen, Sighting):
                    yield seen
            raise Unfinished(
                _("{node}: the collectors ended before they were done: {words}").format(
                    node=self._name, words=_last_words(channel)
                )
            )
        finally:
            over.set()
            channel.close()

    def _feed(self, channel: paramiko.Channel, first: bytes, over: threading.Event) -> None:
        """Send the program, and then a sign of life until it is *over*: without them it ends there."""
        try:
            channel.sendall(first)
            while not over.wait(BEAT_SECONDS):
                channel.sendall(b"\n")
        except OSError:
            return  # whoever reads from the channel tells it

    def _lines(self, channel: paramiko.Channel) -> Iterator[bytes]:
        rest = b""
        while more := self._more(channel):
            *whole, rest = (rest + more).split(b"\n")
            yield from whole
            if len(rest) > _LINE:
                raise Unfinished(_("{node}: the collectors say nothing sensible").format(node=self._name))

    def _more(self, channel: paramiko.Channel) -> bytes:
        try:
            more = channel.recv(65536)
        except TimeoutError as fault:
            raise Unreachable(_("{node}: the connection was cut").format(node=self._name)) from fault
        transport = channel.get_transport()
        if not more and not (transport and transport.is_active()):
            raise Unreachable(_("{node}: the connection was cut").format(node=self._name))
        return more

    def _read(self, line: bytes) -> Sighting | str:
        """Return what *line* tells: a sighting, or the word for what it is; raise the fault that it tells."""
        try:
            told = json.loads(line)
            kind = str(told["kind"])
            if kind == "sighting":
                return Sighting(**told["sighting"])
            fault = WizaraError(str(told["message"]), hint=told["hint"]) if kind == "fault" else None
        except (ValueError, TypeError, KeyError) as odd:
            raise Unfinished(_("{node}: the collectors say nothing sensible").format(node=self._name)) from odd
        if kind == "absent":
            raise Refusal(
                _("{node} has no python3, which collectors run on").format(node=self._name),
                hint=_("declare vantage: true for {node} and apply: that installs Debian's python3").format(
                    node=self._name
                ),
            )
        if fault:
            outcome = Refusal if told["fault"] == "Refusal" else Unfinished
            raise outcome(_("{node}: {words}").format(node=self._name, words=fault.message), hint=fault.hint)
        return kind


def _last_words(channel: paramiko.Channel) -> str:
    said = bytes(channel.makefile_stderr("rb").read(8192)).decode(errors="replace").split("\n")
    return next((line for line in reversed(said) if line.strip()), "–")
