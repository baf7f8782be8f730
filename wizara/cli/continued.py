"""Where an audit is written: into a run of its own, into the one that was interrupted, or into one that looked from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wizara.audit.job import AuditRecord, View
from wizara.audit.observation import Observation
from wizara.audit.orders import Done
from wizara.audit.resume import done_by
from wizara.errors import UsageFault
from wizara.record.folder import RunFolder
from wizara.record.world import World
from wizara.report.case import AUDIT, OBSERVATIONS
from wizara.text import _


@dataclass(frozen=True)
class Begun:
    """A run that may be written to."""

    folder: RunFolder
    record: AuditRecord
    earlier: tuple[Observation, ...] = ()
    resumed: bool = False

    def done(self, vantage: str) -> Done:
        """Return what need not be done again from *vantage*."""
        return done_by(self.earlier, vantage) if self.resumed else Done()


def begin(runs: Path, record: AuditRecord, world: World, resume: str | None, append: str | None) -> Begun:
    """Return the run to write to; UsageFault when the run to continue is of another audit."""
    if resume is None and append is None:
        return Begun(RunFolder.create(runs, "audit", record.ministry, world), record)
    if resume and append:
        raise UsageFault(_("--resume takes up the same audit, --append adds another place to one: give one of them"))
    folder = RunFolder.open(runs, resume or append or "")
    kept = folder.read(AUDIT, AuditRecord)
    _refuse_another(folder, kept, record, world)
    folder.mend(OBSERVATIONS)
    earlier = tuple(folder.read_lines(OBSERVATIONS, Observation)) if folder.holds(OBSERVATIONS) else ()
    if resume:
        if (kept.facts.networks, kept.facts.networks6) != (record.facts.networks, record.facts.networks6):
            raise UsageFault(_("the run {run} looked at other networks; --append adds to it").format(run=folder.run.id))
        return Begun(folder, _tried(kept, record), earlier, resumed=True)
    return Begun(folder, _joined(kept, record), earlier)


def _refuse_another(folder: RunFolder, kept: AuditRecord, record: AuditRecord, world: World) -> None:
    same = (kept.ministry, kept.site, kept.mandate_hash, folder.run.world)
    if same != (record.ministry, record.site, record.mandate_hash, str(world)):
        raise UsageFault(
            _("the run {run} is no audit of the same place under the same mandate").format(run=folder.run.id),
            hint=_("name the ministry, site, networks and mandate that it was begun with"),
        )


def _joined(kept: AuditRecord, record: AuditRecord) -> AuditRecord:
    """Return the record of both places."""
    hosts = (*kept.facts.hosts, *(one for one in record.facts.hosts if one not in kept.facts.hosts))
    facts = kept.facts.model_copy(
        update={
            "hosts": hosts,
            "segmentation": kept.facts.segmentation or record.facts.segmentation,
            "elsewhere": tuple(one for one in kept.facts.elsewhere if one not in hosts),
            "networks": tuple(dict.fromkeys((*kept.facts.networks, *record.facts.networks))),
            "networks6": tuple(dict.fromkeys((*kept.facts.networks6, *record.facts.networks6))),
        }
    )
    views: tuple[View, ...] = tuple(dict.fromkeys((*kept.views, *record.views)))
    return _tried(kept, record).model_copy(update={"facts": facts, "views": views})


def _tried(kept: AuditRecord, record: AuditRecord) -> AuditRecord:
    """Return *kept*, which tells that logins were tried when that is so of either part."""
    return kept.model_copy(update={"logins": kept.logins or record.logins})
