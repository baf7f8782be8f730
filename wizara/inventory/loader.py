"""Reads a ministry's folder into models, or tells every fault in it at once."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from wizara import tree
from wizara.errors import InventoryFaults, UsageFault, WizaraError
from wizara.inventory.cross import Whole, faults_between
from wizara.inventory.document import VALUES_LIMIT, Document, parse, quoted
from wizara.inventory.file import fitted
from wizara.inventory.models import Declaration, Enrolled, Ministry, Site
from wizara.inventory.reading import ENROLLED_LIMIT, FILE_LIMIT, MINISTRY_LIMIT, SITES_LIMIT, read, shown
from wizara.inventory.types import Name
from wizara.place import Place, did_you_mean
from wizara.text import _

_M = TypeVar("_M", bound=BaseModel)
_NAME: TypeAdapter[str] = TypeAdapter(Name)


@dataclass
class _Reading:
    """A load on its way: what was understood so far, and every fault."""

    folder: Path
    faults: list[WizaraError] = field(default_factory=list)
    documents: dict[Path, Document] = field(default_factory=dict)
    size: int = 0

    def read(self, path: Path, model: type[_M], inside: Path) -> _M | None:
        """Return the model that stands in *path*; None after noting its faults."""
        try:
            large = model is Enrolled
            text = read(path, inside, ENROLLED_LIMIT if large else FILE_LIMIT)
            self._weigh(text, path)
            document = self.documents[path] = parse(text, shown(path), VALUES_LIMIT * (16 if large else 1))
            return fitted(document, model)
        except InventoryFaults as several:
            self.faults.extend(several.faults)
        except UsageFault as fault:
            self.faults.append(fault)
        return None

    def _weigh(self, text: str, path: Path) -> None:
        self.size += len(text)
        if self.size > MINISTRY_LIMIT:
            message = _("the inventory is larger than {limit} MiB").format(limit=MINISTRY_LIMIT >> 20)
            raise UsageFault(message, place=Place(shown(path)))


def load(folder: Path, *, enrolled: Path | None = None) -> Ministry:
    """Return the ministry declared in *folder*; *enrolled* is read instead of its ``enrolled.yaml``.

    Raises InventoryFaults with every fault of every file.
    """
    if not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir raises on a name that is too long
        raise InventoryFaults([UsageFault(_("is no folder"), place=Place(shown(folder)))])
    reading = _Reading(folder)
    declaration = reading.read(folder / "ministry.yaml", Declaration, folder)
    sites = _sites(reading)
    learned = _enrolled(reading, enrolled)
    if declaration is not None:
        own = {name: reading.documents[folder / "sites" / f"{name}.yaml"] for name in sites}
        declared = reading.documents[folder / "ministry.yaml"]
        whole = Whole(declaration, sites, declared, own, complete=not reading.faults)
        reading.faults.extend(faults_between(whole))
    if reading.faults or declaration is None:
        raise InventoryFaults(reading.faults)
    return Ministry(declaration=declaration, sites=sites, enrolled=learned, folder=os.fspath(folder))


def _enrolled(reading: _Reading, named: Path | None) -> Enrolled:
    path = named or reading.folder / "enrolled.yaml"
    if not os.path.lexists(path):
        return Enrolled()
    return reading.read(path, Enrolled, path.parent) or Enrolled()


def _sites(reading: _Reading) -> dict[str, Site]:
    folder = reading.folder / "sites"
    sites = {}
    for path in _site_files(reading, folder):
        site = reading.read(path, Site, reading.folder)
        try:
            name = _NAME.validate_python(path.stem)
        except ValidationError as error:
            message = _("the file's name is the site's: '{name}' {message}")
            known = _(str(error.errors()[0]["ctx"]["error"]))
            reading.faults.append(
                UsageFault(message.format(name=quoted(shown(path.stem)), message=known), place=Place(shown(path)))
            )
            continue
        if site is not None:
            sites[name] = site
    return sites


def _site_files(reading: _Reading, folder: Path) -> list[Path]:
    """Return the site files, sorted; whatever hinders is noted."""
    try:
        entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        message, hint = (
            _("no sites: a folder of site files is missing"),
            _("each site is one file, such as sites/hq.yaml"),
        )
        reading.faults.append(UsageFault(message, place=Place(shown(folder)), hint=hint))
        return []
    for path in entries:
        if path.suffix.lower() in {".yml", ".yaml"} and path.suffix != ".yaml":
            reading.faults.append(UsageFault(_("a site's file should end in .yaml"), place=Place(shown(path))))
    files = [path for path in entries if path.suffix == ".yaml"]
    if not files:
        reading.faults.append(UsageFault(_("no sites: no file here ends in .yaml"), place=Place(shown(folder))))
    if len(files) > SITES_LIMIT:
        message = _("more than {limit} site files").format(limit=SITES_LIMIT)
        reading.faults.append(UsageFault(message, place=Place(shown(folder))))
    return files[:SITES_LIMIT]


def resolve(argument: str) -> Path:
    """Return the folder that *argument* means: a path, else a name in ``./inventories``, else a shipped ministry."""
    given = Path(argument)
    candidates = [given]
    folders = (Path("inventories"), tree.shipped_inventories())
    if given.name == argument:
        candidates += [folder / argument for folder in folders]
    for candidate in candidates:
        if os.path.lexists(candidate / "ministry.yaml"):
            return candidate
    if os.path.isdir(given):  # noqa: PTH112 - as above
        return given
    known = list(
        dict.fromkeys(path.parent.name for folder in folders for path in sorted(folder.glob("*/ministry.yaml")))
    )
    near = did_you_mean(argument[:100], known)
    hint = (
        _("did you mean '{word}'?").format(word=near)
        if near
        else _("a path, or a name in ./inventories; shipped: {known}").format(known=", ".join(known))
    )
    raise UsageFault(_("no ministry '{name}'").format(name=quoted(argument)), hint=hint)
