"""Who can open the secrets: the declared recipients, and a record of whom each file was encrypted to."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from pyrage import RecipientError, encrypt, ssh, x25519

from wizara.errors import UsageFault
from wizara.inventory.enrolled import fresh_file
from wizara.inventory.models import Ministry
from wizara.inventory.reading import read, shown
from wizara.place import Place
from wizara.text import _

Recipient: TypeAlias = x25519.Recipient | ssh.Recipient
#: Beside the files; public keys only. An age file itself does not tell whom it is for.
RECORD = "recipients.json"
_KEY = re.compile(r"[!-~]+( [ -~]*)?")


def recipient_words(ministry: Ministry) -> tuple[str, ...]:
    """Return the public keys that every secret is encrypted to; UsageFault when nobody could open them."""
    words = (*ministry.declaration.recipients, *ministry.enrolled.recipients)
    if not words:
        message = _("nobody could open the secrets: no recipients are declared")
        hint = _("add an age or ssh-ed25519 public key to 'recipients'")
        raise UsageFault(message, place=Place(shown(Path(ministry.folder) / "ministry.yaml")), hint=hint)
    return tuple(dict.fromkeys(words))


def sealed(content: str, words: Iterable[str]) -> bytes:
    """Return *content* as an armoured age file for the public keys *words*."""
    chosen = list(words)
    try:
        recipients = [_recipient(word) for word in chosen]
    except RecipientError:
        raise UsageFault(_("one of the recipients is no key that exists"), hint=", ".join(chosen)) from None
    return bytes(encrypt(content.encode(), recipients, armored=True))


@dataclass(frozen=True)
class Record:
    """Whom each secret is encrypted to, and who knows it all the same: encrypting anew takes nothing away from a reader."""

    recipients: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Secret → public keys that its file is encrypted to, of those that are known."""
    left: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Secret → public keys that could open it once, and the file no more; until it is renewed."""
    unrecorded: frozenset[str] = frozenset()
    """Secrets that were encrypted anew when nobody had recorded who could open them; until they are renewed."""

    def renewed(self, name: str, words: Iterable[str]) -> Record:
        """Return the record once the secret *name* is another one, which only *words* can open."""
        left = {key: kept for key, kept in self.left.items() if key != name}
        return Record({**self.recipients, name: tuple(words)}, left, self.unrecorded - {name})

    def encrypted(self, names: Iterable[str], words: Iterable[str]) -> Record:
        """Return the record once the secrets *names*, the same as before, are encrypted to *words*."""
        now, chosen = tuple(words), tuple(names)
        left = {**self.left, **{name: self.knowing(name, now) for name in chosen}}
        return Record(
            {**self.recipients, **dict.fromkeys(chosen, now)}, {name: gone for name, gone in left.items() if gone},
            self.unrecorded | (set(chosen) - set(self.recipients)),
        )  # fmt: skip

    def knowing(self, name: str, words: Iterable[str]) -> tuple[str, ...]:
        """Return the public keys that could open the secret *name* at some time, and are not among *words*."""
        now = set(map(bare, words))
        return tuple(
            sorted(key for key in {*self.recipients.get(name, ()), *self.left.get(name, ())} if bare(key) not in now)
        )

    def only(self, names: Iterable[str]) -> Record:
        """Return the record of the secrets *names*: others are gone."""
        there = set(names)
        return Record(
            {name: words for name, words in self.recipients.items() if name in there},
            {name: words for name, words in self.left.items() if name in there}, self.unrecorded & there,
        )  # fmt: skip


def read_record(folder: Path) -> Record:
    """Return what is recorded of the secrets in *folder*; it comes with the inventory, and is believed no further than its form."""
    path = folder / RECORD
    if not os.path.lexists(path):
        return Record()
    try:
        content = json.loads(read(path, folder))
        keys = [_public(key) for key in content["keys"]]
        recipients, left = (
            {name: tuple(keys[_place(index)] for index in indexes) for name, indexes in part.items()}
            for part in (content["secrets"], content.get("left", {}))
        )
        return Record(recipients, left, frozenset(map(str, content.get("unrecorded", ()))))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        message, hint = (
            _("the record of recipients is damaged"),
            _("remove it: rekey then counts every secret as known to anybody"),
        )
        raise UsageFault(message, place=Place(shown(path)), hint=hint) from None


def _public(key: object) -> str:
    """Return *key* as a public key of the record is written; ValueError when it is none."""
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise ValueError(key)
    return key


def _place(index: object) -> int:
    if not isinstance(index, int) or isinstance(index, bool) or index < 0:
        raise ValueError(index)
    return index


def bare(key: str) -> str:
    """Return a public *key* without its comment, which anybody may change."""
    return " ".join(key.split(" ")[:2])


def write_record(folder: Path, record: Record) -> None:
    """Write *record* beside the secrets in *folder*."""
    keys = sorted({word for part in (record.recipients, record.left) for words in part.values() for word in words})

    def indexes(part: Mapping[str, tuple[str, ...]]) -> dict[str, list[int]]:
        return {name: sorted(keys.index(word) for word in words) for name, words in sorted(part.items())}

    content: dict[str, object] = {"keys": keys, "secrets": indexes(record.recipients)}
    content |= {"left": indexes(record.left)} if record.left else {}
    content |= {"unrecorded": sorted(record.unrecorded)} if record.unrecorded else {}
    text = json.dumps(content, indent=1) + "\n"
    fresh_file(folder, text.encode(), 0o644).replace(folder / RECORD)


def _recipient(word: str) -> Recipient:
    return x25519.Recipient.from_str(word) if word.startswith("age1") else ssh.Recipient.from_str(word)
