"""File and directory services that strangers may read, list or fill."""

from __future__ import annotations

from collections.abc import Iterator

from audits.lan.flags import flagged
from audits.lan.subjects import services
from wizara.audit.facts import LanFacts
from wizara.audit.observation import Seen
from wizara.audit.rule import Judgement, broken, holds, rule, unknown

ANONYMOUS = flagged("FTP-001", "ftp", "anonymous", "AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N")
FTP = flagged("FTP-002", "ftp", "writable", "AC:L/PR:N/UI:N/S:U/C:N/I:H/A:L")
TFTP = flagged("TFT-001", "tftp", "open", "AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N")
RSYNC = flagged("RSY-001", "rsync", "open", "AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N")
NFS = flagged("NFS-001", "nfs", "open", "AC:L/PR:N/UI:N/S:U/C:H/I:L/A:N")
RPC = flagged("RPC-001", "rpc", "open", "AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N")
SMB1 = flagged("SMB-001", "smb", "smb1", "AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N")
SIGNING = flagged("SMB-002", "smb", "signing_required", "AC:H/PR:N/UI:N/S:U/C:H/I:H/A:N", weak=False)
LDAP = flagged("LDP-001", "ldap", "open", "AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N")
LDAP_TLS = flagged("LDP-002", "ldap", "starttls", "AC:H/PR:N/UI:N/S:U/C:H/I:N/A:N", weak=False)
NETBIOS = flagged("NBT-001", "netbios", "open", "AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N")


@rule("SMB-003", kinds=("smb",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:L/A:N", fix="manual")
def share_of_strangers(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A stranger may open a share."""
    yield from _given(seen, facts, "shares")


@rule("SMB-004", kinds=("smb",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N", fix="manual")
def shares_are_listed(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A stranger is told the names of the shares (a null session)."""
    yield from _given(seen, facts, "listed")


def _given(seen: Seen, facts: LanFacts, fact: str) -> Iterator[Judgement]:
    """Judge the shares that a stranger was given, by the *fact* that tells of them."""
    for about, one in services(seen, facts, "smb"):
        shares = one.texts(fact)
        if fact in one.texts("undecided"):
            yield unknown(about, "undecided", [one])
        elif fact in one.data:
            yield broken(about, [one], shares=", ".join(shares)) if shares else holds(about, [one])
