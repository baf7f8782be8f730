"""Takes from a network namespace, when its machine reboots, everything that the lab did not wire.

The namespace outlives the machine, so that without this a deploy that forgets to make something permanent would pass.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SETTINGS = Path("/proc/sys/net")


@dataclass(frozen=True)
class Wired:
    """What a machine's namespace was like before its first boot."""

    commands: tuple[str, ...]
    """Lines of ``ip -batch`` that wire it."""
    links: dict[int, tuple[str, str, int]]
    """Interface number → its name, MAC address and MTU."""
    settings: dict[str, str]

    @classmethod
    def look(cls, commands: list[str]) -> Wired:
        """Return how this process's namespace is wired now."""
        links = {link["ifindex"]: (link["ifname"], link.get("address", ""), link["mtu"]) for link in _links()}
        return cls(tuple(commands), links, dict(_settings()))

    def restore(self) -> None:
        """Make this process's namespace as it was."""
        _try("nft", "flush", "ruleset")
        self._restore_links()
        for family in ("-4", "-6"):
            # All links are down: what the kernel itself routes comes back with them.
            _try("ip", family, "route", "flush", "table", "all")
            _try("ip", family, "rule", "flush")
            _try("ip", family, "rule", "del", "pref", "0")
            _try("ip", family, "rule", "add", "pref", "0", "lookup", "local")
            _try("ip", family, "rule", "add", "pref", "32766", "lookup", "main")
        _try("ip", "-4", "rule", "add", "pref", "32767", "lookup", "default")
        for kind in ("state", "policy"):
            _try("ip", "xfrm", kind, "flush")
        self._restore_settings()
        lines = "\n".join(self.commands) + "\n"
        subprocess.run(["ip", "-force", "-batch", "-"], input=lines, text=True, capture_output=True, check=False)

    def _restore_links(self) -> None:
        for link in _links():
            number, name = link["ifindex"], link["ifname"]
            if number not in self.links:
                _try("ip", "link", "del", name)
                continue
            wired_name, mac, mtu = self.links[number]
            _try("ip", "link", "set", name, "down", "nomaster")
            _try("ip", "addr", "flush", "dev", name)
            _try("tc", "qdisc", "del", "dev", name, "root")
            if wired_name == "lo":
                continue
            if name != wired_name:
                _try("ip", "link", "set", name, "name", wired_name)
            _try("ip", "link", "set", wired_name, "address", mac, "mtu", str(mtu), "alias", "")
            _try("ip", "neigh", "flush", "dev", wired_name, "nud", "all")

    def _restore_settings(self) -> None:
        for name, value in _settings():
            wanted = self.settings.get(name)
            if wanted is not None and wanted != value:
                try:
                    (_SETTINGS / name).write_text(wanted)
                except OSError:
                    continue  # some can be read by a namespace but written by the first one only


def _links() -> list[dict[str, Any]]:
    listed = subprocess.run(["ip", "-json", "link"], capture_output=True, text=True, check=True).stdout
    return [link for link in json.loads(listed or "[]") if "ifindex" in link]


def _settings() -> Iterator[tuple[str, str]]:
    for path in sorted(_SETTINGS.rglob("*")):
        try:
            # Order matters to none of these but to the switches for all links, which sort before those of one link.
            if path.is_file() and path.stat().st_mode & 0o200:
                yield str(path.relative_to(_SETTINGS)), path.read_text().strip()
        except OSError:
            continue


def _try(*argv: str) -> None:
    """Run *argv*; that there is nothing to undo is no fault."""
    subprocess.run(argv, capture_output=True, check=False)
