"""Encrypts all secrets anew to whom is declared today, and names those that somebody knows who is not declared any more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wizara.inventory.enrolled import fresh_file
from wizara.inventory.models import Ministry
from wizara.inventory.recipients import read_record, recipient_words, sealed, write_record
from wizara.inventory.secrets import Ask, find_identity, open_secrets, read_identity


@dataclass(frozen=True)
class Rekeying:
    """What a rekey did. Encrypting anew takes nothing away from who has read a secret: that one is to be changed."""

    rekeyed: tuple[str, ...]
    recipients: tuple[str, ...]
    left: dict[str, tuple[str, ...]]
    """Public key that is no recipient any more → the secrets it could open."""
    unknown: tuple[str, ...]
    """Secrets of which nobody has recorded who could open them."""


def secret_names(folder: Path) -> tuple[str, ...]:
    """Return the names (``site/name``) of all secrets in *folder*."""
    return tuple(sorted(str(path.relative_to(folder).with_suffix("")) for path in folder.glob("*/*.age")))


def rekey(
    ministry: Ministry,
    base: Path,
    identity: Path | None = None,
    ask: Ask | None = None,
    progress: Callable[[str], None] = lambda _name: None,
) -> Rekeying:
    """Encrypt every secret under *base* to the recipients of *ministry*; all are opened before the first is written."""
    folder = base / "secrets"
    names = secret_names(folder)
    words = recipient_words(ministry)
    if not names:
        return Rekeying((), words, {}, ())
    opened = open_secrets(folder, names, read_identity(find_identity(identity), ask))
    record = read_record(folder)
    gone = sorted({word for name in names for word in record.get(name, ())} - set(words))
    for name in names:
        progress(name)
        path = folder / f"{name}.age"
        fresh_file(path.parent, sealed(opened[name].reveal(), words), 0o644).replace(path)
    write_record(folder, dict.fromkeys(names, words))
    return Rekeying(
        rekeyed=names,
        recipients=words,
        left={word: tuple(name for name in names if word in record.get(name, ())) for word in gone},
        unknown=tuple(name for name in names if name not in record),
    )
