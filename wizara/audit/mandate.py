"""The written order for an active audit: who asked, what may be touched, and when."""

from __future__ import annotations

import os
import re
from datetime import date
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from wizara.audit.limits import Limits, Network
from wizara.errors import Refusal
from wizara.inventory.file import read_file
from wizara.inventory.types import Line, Model
from wizara.text import N_, _


def _span(value: str) -> str:
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)", value)
    if not match:
        raise ValueError(N_("should be written 08:00-18:00"))
    if value[:5] >= value[6:]:
        raise ValueError(N_("should end after it begins; write a night as two spans"))
    return value


#: Hours of a day in the auditing machine's local time, ``08:00-18:00``.
Hours = Annotated[str, AfterValidator(_span)]


def _network(value: object) -> object:
    """Read it here: the two families would each tell their own fault of one value."""
    if isinstance(value, (IPv4Network, IPv6Network)):
        return value
    try:
        return ip_network(str(value))
    except ValueError:
        raise ValueError(N_("should be a network such as 10.0.0.0/24 or fd00:1:2:3::/64, without host bits")) from None


Range = Annotated[Network, BeforeValidator(_network)]


class Mandate(Model):
    """``mandate.yaml``."""

    commissioner: Line
    """Who ordered the audit."""
    reference: Line
    """Number of the order."""
    signed: date = Field(alias="date")
    perimeter: tuple[Range, ...] = Field(min_length=1)
    exclusions: tuple[Range, ...] = ()
    """Never touched, though inside the perimeter."""
    begins: date = Field(alias="from")
    """First day, inclusive."""
    ends: date = Field(alias="to")
    """Last day, inclusive."""
    hours: tuple[Hours, ...] = Field(min_length=1)
    operators: tuple[Line, ...] = Field(min_length=1)
    controllers: tuple[Line, ...] = ()
    """Industrial controllers that may be spoken to, each by its declared name or its address; all others are sent no byte."""
    default_logins: bool = False
    """Whether logins that everybody knows may be tried (``--default-logins``): each account at most twice a machine."""
    contact: Line
    """Whom to call when something goes wrong."""

    @field_validator("ends")
    @classmethod
    def _ordered(cls, value: date, info: ValidationInfo) -> date:
        begins = info.data.get("begins")
        if begins and value < begins:
            raise ValueError(N_("should not be before 'from'"))
        return value

    def limits(self, *, lab: bool, spoken_to: tuple[str, ...] = ()) -> Limits:
        """Return what it allows; in a *lab*, documentation ranges count as private; *spoken_to*: addresses of its controllers."""
        return Limits(
            reference=self.reference, commissioner=self.commissioner, perimeter=self.perimeter,
            exclusions=self.exclusions, begins=self.begins, ends=self.ends, hours=self.hours, lab=lab,
            spoken_to=spoken_to,
        )  # fmt: skip


def read_mandate(path: Path) -> Mandate:
    """Read *path*; its absence is a refusal, a fault in it names its place."""
    if not os.path.lexists(path):
        raise Refusal(
            _("an active audit needs a mandate, and {path} is not there").format(path=path),
            hint=_("write it there, or name another with --mandate; the shipped ministry's is an example"),
        )
    return read_file(path, Mandate)


def check_networks(mandate: Mandate, networks: tuple[Network, ...], *, lab: bool) -> None:
    """Refuse (exit 6) unless each of *networks* is private and wholly inside the perimeter."""
    for network in networks:
        mandate.limits(lab=lab).check_network(network)


def check_logins(mandate: Mandate) -> None:
    """Refuse (exit 6) to try logins that everybody knows unless the *mandate* allows it."""
    if not mandate.default_logins:
        raise Refusal(
            _("the mandate {reference} does not allow logins to be tried").format(reference=mandate.reference),
            hint=_("have {commissioner} add default_logins: true, or leave --default-logins out").format(
                commissioner=mandate.commissioner
            ),
        )
