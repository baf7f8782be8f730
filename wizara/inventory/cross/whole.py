"""All that was read of a ministry, with the place of each part: what the checks between parts look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from wizara.errors import UsageFault
from wizara.inventory.document import Document
from wizara.inventory.models import Declaration, Node, Site
from wizara.inventory.shape import written
from wizara.place import Place, did_you_mean
from wizara.text import _

_HINTS = 50
"""Nearest words looked for in one load: among thousands of names each search takes a while."""


@dataclass
class Whole:
    """The declaration and the sites that could be read."""

    declaration: Declaration
    sites: dict[str, Site]
    declared: Document
    documents: dict[str, Document]
    complete: bool = True
    """False when a file could not be read: a name that is not here may stand there."""
    hints: int = field(default=_HINTS)

    def place(self, *path: str | int, key: bool = False) -> Place:
        """Return the place of *path* in ``ministry.yaml``."""
        return self.declared.at(path, written(Declaration, path), key=key)

    def site_place(self, site: str, *path: str | int, key: bool = False) -> Place:
        """Return the place of *path* in the file of *site*."""
        return self.documents[site].at(path, written(Site, path), key=key)

    def nodes(self) -> Iterator[tuple[str, str, Node]]:
        """Yield (site, name, node) of every node."""
        for site_name, site in self.sites.items():
            for name, node in site.nodes.items():
                yield site_name, name, node

    def unknown(self, place: Place, kind: str, word: str, known: Iterable[str]) -> UsageFault:
        """Return the fault of a name that is not declared, with the nearest one that is."""
        near = None
        if self.hints > 0:
            self.hints -= 1
            near = did_you_mean(word, known)
        hint = _("did you mean '{word}'?").format(word=near) if near else None
        return UsageFault(_("no {kind} '{name}' is declared").format(kind=kind, name=word), place=place, hint=hint)


def twice(place: Place, first: Place, what: str) -> UsageFault:
    """Return the fault of something that may stand once and stands at two places."""
    return UsageFault(_("{what} stands also at {first}").format(what=what, first=first), place=place)
