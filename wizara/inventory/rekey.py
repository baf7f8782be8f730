"""Encrypts all secrets anew to whom is declared today, and names those that somebody knows who is not declared any more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wizara.inventory.enrolled import fresh_file
from wizara.inventory.models import Ministry
from wizara.inventory.recipients import Record, read_record, recipient_words, sealed, write_record
from wizara.inventory.secrets import Ask, find_identity, open_secrets, read_identity


@dataclass(frozen=True)
class Rekeying:
    """What a rekey did, or would do. Encrypting anew takes nothing away from who has read a secret: that is to be changed."""

    rekeyed: tuple[str, ...]
    recipients: tuple[str, ...]
    left: dict[str, tuple[str, ...]]
    """Public key that is no recipient any more → the secrets it could open, and which are the same since."""
    unknown: tuple[str, ...]
    """Secrets of which nobody had recorded who could open them, and which are the same since."""


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
    for name in names:
        progress(name)
        path = folder / f"{name}.age"
        fresh_file(path.parent, sealed(opened[name].reveal(), words), 0o644).replace(path)
    after = record.only(names).encrypted(names, words)
    write_record(folder, after)
    return _to_change(after, names, words, rekeyed=names)


def known_by_others(ministry: Ministry, base: Path) -> Rekeying:
    """Return what is to be changed under *base*, because somebody knows it who is no recipient any more; opens nothing."""
    folder = base / "secrets"
    return _to_change(read_record(folder), secret_names(folder), recipient_words(ministry), rekeyed=())


def _to_change(record: Record, names: tuple[str, ...], words: tuple[str, ...], rekeyed: tuple[str, ...]) -> Rekeying:
    knowing = {name: record.knowing(name, words) for name in names}
    gone = sorted({word for known in knowing.values() for word in known})
    return Rekeying(
        rekeyed=rekeyed,
        recipients=words,
        left={word: tuple(name for name in names if word in knowing[name]) for word in gone},
        unknown=tuple(name for name in names if name in record.unrecorded or name not in record.recipients),
    )
