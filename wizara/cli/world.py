"""What most verbs begin with: the ministry, the world they act on, and the right to act there."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from wizara.errors import Refusal, UsageFault
from wizara.inventory import load, resolve
from wizara.inventory.models import Ministry
from wizara.record.world import World
from wizara.text import _

#: What a person set for wizara, and sudo would forget.
_KEPT = (
    "WIZARA_STATE", "WIZARA_CACHE", "WIZARA_CONFIRM_SECONDS", "LANG", "LC_ALL", "LC_MESSAGES", "NO_COLOR",
    "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
)  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """A ministry in a world."""

    ministry: Ministry
    world: World

    @property
    def folder(self) -> Path:
        """The ministry's folder."""
        return Path(self.ministry.folder)

    @property
    def enrolled(self) -> Path:
        """The file that enrolment writes in this world."""
        return (self.world.state or self.folder) / "enrolled.yaml"

    @property
    def secrets(self) -> Path:
        """The folder of secrets of this world."""
        return (self.world.state or self.folder) / "secrets"

    @property
    def identity(self) -> Path | None:
        """The age identity of a lab; the field looks for the operator's own."""
        return self.world.state / "identity.age" if self.world.state else None

    @property
    def ssh_key(self) -> Path | None:
        """The private key that provisioning logs in with; None asks the agent and the operator's own keys."""
        return self.world.state / "operator_ed25519" if self.world.state else None


def scene(argument: str, lab: str | None) -> Scene:
    """Return the ministry that *argument* means, in the field or, when *lab* is given, in that lab."""
    folder = resolve(argument)
    if lab is None:
        return Scene(load(folder), World())
    be_root()
    name = lab or load(folder).name
    from wizara.lab import find

    world = find(name, argument).world()
    assert world.state is not None
    return Scene(load(folder, enrolled=world.state / "enrolled.yaml"), world)


def be_root() -> None:
    """Go on as root: a lab's verbs re-run themselves under sudo, and give back what they wrote when they end."""
    if os.geteuid() == 0:
        if "SUDO_UID" in os.environ:
            from wizara.lab import ownership

            atexit.unregister(ownership.give_back)
            atexit.register(ownership.give_back)
        return
    kept = [f"{name}={os.environ[name]}" for name in _KEPT if name in os.environ]
    try:
        asked = ["sudo", "-n", "true"]
        if not sys.stdin.isatty() and subprocess.run(asked, check=False, capture_output=True).returncode:
            raise UsageFault(
                _("the lab needs root, and sudo asks for a password, or does not let this login in"),
                hint=_("run it on a terminal, or as root"),
            )
        os.execvp("sudo", ["sudo", *kept, "PYTHONDONTWRITEBYTECODE=1", sys.executable, "-m", "wizara", *sys.argv[1:]])  # noqa: S606 - wizara again, as root
    except FileNotFoundError:
        raise UsageFault(_("the lab needs root, and there is no sudo"), hint=_("run it as root")) from None


def chosen(ministry: Ministry, limit: tuple[str, ...], option: str = "--limit") -> tuple[str, ...]:
    """Return the nodes that *limit*, the words of *option*, names (nodes, sites or parts); all of them without one."""
    wanted = [word for words in limit for word in words.split(",") if word]
    if limit and not wanted:  # an empty variable of a script must not mean everything
        raise UsageFault(_("{option} names nothing").format(option=option))
    found: list[str] = []
    known = {site for site, _name, _node in ministry.nodes()} | {name for _site, name, _node in ministry.nodes()}
    for word in wanted:
        matching = [name for site, name, node in ministry.nodes() if word in {name, site, *node.parts}]
        if not matching:
            raise UsageFault(
                _("{option}: no node, site or part '{word}'").format(option=option, word=word),
                hint=", ".join(sorted(known)),
            )
        found += matching
    return tuple(dict.fromkeys(found)) if wanted else tuple(name for _site, name, _node in ministry.nodes())


def canary_of(ministry: Ministry, words: tuple[str, ...], nodes: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of *nodes* that the *words* of --canary name; UsageFault for a word that names none of them."""
    if not words:
        return ()
    found = chosen(ministry, words, "--canary")
    for word in (one for several in words for one in several.split(",") if one):
        if not set(chosen(ministry, (word,), "--canary")) & set(nodes):
            raise UsageFault(
                _("--canary: '{word}' is none of the nodes that this run is for").format(word=word),
                hint=", ".join(nodes),
            )
    return tuple(name for name in found if name in nodes)


def refuse_unenrolled(ministry: Ministry, nodes: tuple[str, ...]) -> None:
    """Refuse nodes that nobody has met yet, before a socket opens."""
    strangers = [name for name in nodes if name not in ministry.enrolled.nodes]
    if strangers:
        raise Refusal(
            _("not enrolled: {nodes}").format(nodes=", ".join(strangers)),
            hint=_("wizara enrol {ministry} {node} meets them").format(
                ministry=ministry.name, node=" ".join(strangers)
            ),
        )
