"""Makes the secrets that are missing, and records their public halves; what is there is never replaced."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm

from wizara.errors import UsageFault
from wizara.inventory import minting
from wizara.inventory.enrolled import fresh_file, give_to_owner, write_enrolled
from wizara.inventory.models import Dkim, Enrolled, Ministry
from wizara.inventory.reading import shown
from wizara.inventory.recipients import read_record, recipient_words, sealed, write_record
from wizara.inventory.required import RequiredSecret, mail_servers, required_secrets
from wizara.inventory.secrets import Ask, Secret, find_identity, open_secrets, read_identity
from wizara.place import Place
from wizara.text import _


@dataclass
class Generation:
    """One making of secrets: for the field beside the inventory, for a lab in its state folder."""

    ministry: Ministry
    base: Path
    """Folder of ``secrets/`` and ``enrolled.yaml``."""
    identity: Path | None = None
    ask: Ask | None = None
    made: list[str] = field(default_factory=list)
    present: list[str] = field(default_factory=list)

    def run(self, progress: Callable[[str], None] = lambda _path: None) -> None:
        """Make what is missing, the authority first, and write ``enrolled.yaml`` when it changes."""
        self.enrolled: Enrolled = self.ministry.enrolled
        order = ("authority", "certificate", "dkim", "mailbox", "snmp")
        needed = sorted(required_secrets(self.ministry), key=lambda one: (order.index(one.kind), one))
        words = recipient_words(self.ministry) if needed else ()
        for one in needed:
            path = self.base / "secrets" / f"{one.path}.age"
            if os.path.lexists(path):
                self.present.append(one.path)
                self._recall(one)
                continue
            self._refuse_orphan(one, path)
            progress(one.path)
            content = self._content(one)
            _store(path, sealed(content, words))
            self.made.append(one.path)
            write_record(path.parent.parent, read_record(path.parent.parent).renewed(one.path, words))
            self._learn(one, content)

    def _opened(self, one: RequiredSecret) -> Secret:
        key = read_identity(find_identity(self.identity), self.ask)
        return open_secrets(self.base / "secrets", [one.path], key)[one.path]

    def _recall(self, one: RequiredSecret) -> None:
        """Learn the public half of a secret that is there, when ``enrolled.yaml`` has lost it."""
        if not self._is_known(one) and one.kind in {"authority", "dkim"}:
            self._learn(one, self._opened(one).reveal())

    def _is_known(self, one: RequiredSecret) -> bool:
        if one.kind == "authority":
            return self.enrolled.authority is not None
        return one.kind == "dkim" and one.subject in self.enrolled.dkim

    def _refuse_orphan(self, one: RequiredSecret, path: Path) -> None:
        """Refuse to make a second key for a public half that is in use."""
        if self._is_known(one):
            message = _("the secret is missing, but enrolled.yaml holds its public half")
            hint = _("bring the file back; a new key needs that entry removed first")
            raise UsageFault(message, place=Place(shown(path)), hint=hint)

    def _content(self, one: RequiredSecret) -> str:
        if one.kind == "authority":
            return minting.authority(self.ministry.declaration)
        if one.kind == "dkim":
            return minting.signing_key()
        if one.kind == "mailbox":
            return minting.mailbox()
        if one.kind == "snmp":
            return minting.snmp()
        signer = next(each for each in required_secrets(self.ministry) if each.kind == "authority")
        return minting.server(self._opened(signer).reveal(), self._names(one))

    def _names(self, one: RequiredSecret) -> tuple[str, ...]:
        domain = self.ministry.declaration.domain
        served = [name for name, (_site, node) in mail_servers(self.ministry).items() if node == one.subject]
        own = f"{one.subject}.{one.site}.{domain}"
        return tuple(dict.fromkeys((own, f"mail.{domain}", domain, *(f"mail.{name}" for name in served), *served)))

    def taken(self, name: str, text: str) -> str:
        """Return *text*, which a person gave, as the secret *name* is kept; UsageFault when it is not what that secret is."""
        kind = next((one.kind for one in required_secrets(self.ministry) if one.path == name), None)
        if kind is None:
            return text
        try:
            return minting.form(kind, text)
        except (ValueError, TypeError, KeyError, AttributeError, UnsupportedAlgorithm) as fault:
            kinds = {
                "authority": _("a key and certificate of an authority, in PEM"), "certificate": _("a key and its certificate, in PEM"),
                "dkim": _("an RSA key in PEM"), "mailbox": _("a password, or a password with its hash in JSON"),
                "snmp": _("the words of SNMP in YAML"),
            }  # fmt: skip
            message = _("{name}: is not {kind}: {fault}").format(name=name, kind=kinds[kind], fault=_reason(fault))
            raise UsageFault(message, hint=_("nothing was written")) from None

    def renews(self, name: str, before: str, after: str) -> bool:
        """Say whether the secret *name* is another one by *after*: who has read *before* knows nothing of it."""
        kind = next((one.kind for one in required_secrets(self.ministry) if one.path == name), None)
        return not minting.essence(kind, before) & minting.essence(kind, after)

    def replaced(self, name: str, content: str) -> None:
        """Learn the public half of a secret that a person has replaced."""
        self.enrolled = self.ministry.enrolled
        for one in required_secrets(self.ministry):
            if one.path == name and one.kind in {"authority", "dkim"}:
                self._learn(one, content)

    def _learn(self, one: RequiredSecret, content: str) -> None:
        if one.kind == "authority":
            update: dict[str, object] = {"authority": minting.certificate_of(content)}
        elif one.kind == "dkim":
            half = Dkim(selector=self.ministry.declaration.mail.selector, public=minting.public_half(content))
            update = {"dkim": {**self.enrolled.dkim, one.subject: half}}
        else:
            return
        self.enrolled = self.enrolled.model_copy(update=update)
        write_enrolled(self.base / "enrolled.yaml", self.enrolled)


def _reason(fault: Exception) -> str:
    """Return the first line of *fault*, without what it may quote of the secret."""
    words = str(fault).partition("\n")[0]
    return words if isinstance(fault, ValueError) and len(words) <= 80 else type(fault).__name__


def _store(path: Path, content: bytes) -> None:
    """Put *content* at *path* in one step, and only if nothing is there."""
    for folder in (path.parent.parent, path.parent):
        if not folder.is_dir():
            folder.mkdir()
            give_to_owner(folder, folder.parent)
    temporary = fresh_file(path.parent, content, 0o644)
    try:
        os.link(temporary, path)
    finally:
        temporary.unlink()
