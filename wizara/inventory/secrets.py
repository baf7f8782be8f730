"""Opens the secrets of a ministry: one armoured age file each, opened only for the nodes that use them."""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NoReturn, TypeAlias

from cryptography.hazmat.primitives import serialization
from pyrage import DecryptError, IdentityError, decrypt, ssh, x25519

from wizara.errors import UsageFault
from wizara.inventory.models import Ministry
from wizara.inventory.reading import FILE_LIMIT, shown
from wizara.inventory.required import required_secrets
from wizara.place import Place
from wizara.record.world import home
from wizara.text import _, ngettext

Identity: TypeAlias = x25519.Identity | ssh.Identity
Ask = Callable[[str], str]
"""Asks a person for the passphrase of a key, by the key's file name."""

_AGE = "AGE-SECRET-KEY-1"


class Secret:
    """A secret text that shows itself only when told to."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._value

    def __repr__(self) -> str:
        return "•••"

    def __str__(self) -> str:
        return "•••"

    def __format__(self, _spec: str) -> str:
        return "•••"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment] # a secret is no key of anything

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")


def part_of(secret: Secret, name: str, key: str) -> str:
    """Return what a mailbox's secret *name* holds at *key*: ``password`` or ``hash``; UsageFault when it is no such secret."""
    try:
        return str(json.loads(secret.reveal())[key])
    except (ValueError, KeyError, TypeError):
        message = _("the secret {name} is no password with its hash").format(name=name)
        hint = _("wizara secrets edit MINISTRY SITE/{name} takes a new password").format(name=name)
        raise UsageFault(message, hint=hint) from None


def secrets_folder(ministry: Ministry, state: Path | None) -> Path:
    """Return the folder of secrets: the lab's when *state* is given, else the inventory's."""
    return (state or Path(ministry.folder)) / "secrets"


def open_secrets(folder: Path, names: Iterable[str], identity: Identity) -> dict[str, Secret]:
    """Return name (``site/name``) → opened secret; UsageFault for what is missing or cannot be opened."""
    return {name: _open(folder / f"{name}.age", identity) for name in names}


def _open(path: Path, identity: Identity) -> Secret:
    place = Place(shown(path))
    try:
        with path.open("rb") as source:
            content = source.read(FILE_LIMIT)
    except FileNotFoundError:
        raise UsageFault(_("the secret is missing"), place=place, hint="wizara secrets generate") from None
    except OSError as fault:
        raise UsageFault(_("cannot be read: {reason}").format(reason=fault.strerror), place=place) from fault
    try:
        return Secret(decrypt(content, [identity]).decode())
    except (DecryptError, UnicodeDecodeError):
        message, hint = _("cannot be opened with this identity"), _("--identity FILE or WIZARA_IDENTITY names another")
        raise UsageFault(message, place=place, hint=hint) from None


def secrets_of_nodes(
    ministry: Ministry, nodes: Iterable[str], folder: Path, identity: Path | None = None, ask: Ask | None = None
) -> dict[str, dict[str, Secret]]:
    """Return node → name → opened secret of *nodes*, and of no other; nothing is asked when they need none."""
    wanted = tuple(nodes)
    needed = [one for one in required_secrets(ministry) if set(one.nodes) & set(wanted)]
    result: dict[str, dict[str, Secret]] = {name: {} for name in wanted}
    absent = [one.path for one in needed if not (folder / f"{one.path}.age").is_file()]
    if absent:
        words = ngettext(
            "{number} secret is missing: {path}", "{number} secrets are missing, first {path}", len(absent)
        )
        message = words.format(number=len(absent), path=f"{absent[0]}.age")
        lab = "" if folder.parent == Path(ministry.folder) else f" --lab {folder.parent.name}"
        hint = f"wizara secrets generate {ministry.folder}{lab}"
        raise UsageFault(message, place=Place(shown(folder)), hint=hint)
    if needed:
        opened = open_secrets(folder, (one.path for one in needed), read_identity(find_identity(identity), ask))
        _refuse_outdated(ministry, folder, {one.path: opened[one.path] for one in needed if one.kind == "certificate"})
        for one in needed:
            for node in set(one.nodes) & set(wanted):
                result[node][one.name] = opened[one.path]
    return result


def _refuse_outdated(ministry: Ministry, folder: Path, certificates: Mapping[str, Secret]) -> None:
    """Refuse *certificates* that an earlier authority of the ministry has signed: nobody would believe the server."""
    from wizara.inventory.minting import is_outdated  # noqa: PLC0415 - cryptography is slow to load, and most verbs need none

    authority = ministry.enrolled.authority
    for path, secret in certificates.items():
        if authority and is_outdated(secret.reveal(), authority):
            file = folder / f"{path}.age"
            message = _("the certificate was signed by an earlier authority of the ministry than that of enrolled.yaml")
            raise UsageFault(
                message, place=Place(shown(file)), hint=_("remove the file, then: wizara secrets generate")
            )


def find_identity(named: Path | None = None, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the file of the key that opens secrets: *named*, else ``WIZARA_IDENTITY``, else ``~/.ssh/id_ed25519``."""
    if named is not None:
        return named
    given = environment.get("WIZARA_IDENTITY")
    return Path(given) if given else home() / ".ssh" / "id_ed25519"


def read_identity(path: Path, ask: Ask | None = None) -> Identity:
    """Return the key in *path*: an age identity, or an ssh-ed25519 private key with or without a passphrase."""
    place = Place(shown(path))
    try:
        content = path.read_bytes()[:FILE_LIMIT]
    except OSError as fault:
        message = _("the key that opens secrets cannot be read: {reason}").format(reason=fault.strerror)
        hint = _("--identity FILE or WIZARA_IDENTITY names another")
        raise UsageFault(message, place=place, hint=hint) from fault
    lines = [line.strip() for line in content.decode("utf-8", "replace").splitlines()]
    keys = [line for line in lines if line.startswith(_AGE)]
    try:
        if keys:
            return x25519.Identity.from_str(keys[0])
        return ssh.Identity.from_buffer(_unlocked(content, path, ask))
    except (IdentityError, ValueError, TypeError):
        message = _("is neither an age identity nor an ssh-ed25519 private key")
        raise UsageFault(message, place=place) from None


def _unlocked(content: bytes, path: Path, ask: Ask | None) -> bytes:
    """Return an SSH key without its passphrase, which *ask* is asked for; the file stays as it is."""
    try:
        serialization.load_ssh_private_key(content, password=None)
    except (TypeError, ValueError) as fault:
        if "password" not in str(fault).lower():
            raise
    else:
        return content
    if ask is None:
        message, hint = (
            _("the key has a passphrase"),
            _("run it on a terminal, or name an age identity with --identity"),
        )
        raise UsageFault(message, place=Place(shown(path)), hint=hint)
    try:
        key = serialization.load_ssh_private_key(content, password=ask(str(path)).encode())
    except ValueError:
        raise UsageFault(_("the passphrase is wrong"), place=Place(shown(path))) from None
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
