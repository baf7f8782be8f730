"""Who can open the secrets: the declared recipients, and a record of whom each file was encrypted to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from pyrage import RecipientError, encrypt, ssh, x25519

from wizara.errors import UsageFault
from wizara.inventory.enrolled import fresh_file
from wizara.inventory.models import Ministry
from wizara.inventory.reading import shown
from wizara.place import Place
from wizara.text import _

Recipient: TypeAlias = x25519.Recipient | ssh.Recipient
#: Beside the files; public keys only. An age file itself does not tell whom it is for.
RECORD = "recipients.json"


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


def read_record(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return secret → the public keys it was encrypted to, of those that are known."""
    path = folder / RECORD
    try:
        content = json.loads(path.read_text())
        keys = content["keys"]
        return {name: tuple(keys[index] for index in indexes) for name, indexes in content["secrets"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        message, hint = (
            _("the record of recipients is damaged"),
            _("remove it: rekey then counts every secret as known to anybody"),
        )
        raise UsageFault(message, place=Place(shown(path)), hint=hint) from None


def write_record(folder: Path, record: Mapping[str, Iterable[str]]) -> None:
    """Write whom each secret is encrypted to."""
    keys = sorted({word for words in record.values() for word in words})
    secrets = {name: sorted(keys.index(word) for word in words) for name, words in sorted(record.items())}
    text = json.dumps({"keys": keys, "secrets": secrets}, indent=1) + "\n"
    fresh_file(folder, text.encode(), 0o644).replace(folder / RECORD)


def _recipient(word: str) -> Recipient:
    return x25519.Recipient.from_str(word) if word.startswith("age1") else ssh.Recipient.from_str(word)
