"""How an audit logs in to the declared devices: by a file of credentials, or by the ministry's own secrets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, RootModel, SecretStr

from wizara.audit.job import DeviceLogin, SnmpLogin
from wizara.cli.world import Scene
from wizara.inventory.file import read_secret_file, secret_text
from wizara.inventory.required import snmp_secret
from wizara.inventory.secrets import find_identity, open_secrets, read_identity
from wizara.inventory.types import Line, Model, Name, SshPublicKey

if TYPE_CHECKING:
    from wizara.inventory.models import Device


Passphrase = Annotated[Line, Field(min_length=8)]
"""RFC 3414 §11.2 asks for so many characters."""


class _Snmp(Model):
    """The secrets of SNMP; a device takes those that its declared version needs."""

    community: Line | None = None
    authentication: Passphrase | None = None
    privacy: Passphrase | None = None


class _Login(Model):
    username: Name | None = None
    password: Line | None = None
    enable: Line | None = None
    host_key: SshPublicKey | None = None
    snmp: _Snmp | None = None


class _Logins(RootModel[dict[Name, _Login]]):
    """A credentials file."""


def device_logins(scene: Scene, site: str, lans: tuple[str, ...], credentials: Path | None) -> tuple[DeviceLogin, ...]:
    """Return how to read the devices of *lans* of *site*.

    A lab keeps its logins in ``credentials.yaml`` of its state folder. What is read by SNMP and has no entry there is read
    by the secret ``SITE/snmp-DEVICE``, where it was made; UsageFault when that cannot be opened.
    """
    state = scene.world.state
    kept = credentials or (state / "credentials.yaml" if state else None)
    logins = read_secret_file(kept, _Logins).root if kept and (credentials or kept.is_file()) else {}
    enrolled = {name: one.host_key for name, one in scene.ministry.enrolled.nodes.items()}
    devices = {name: one for name, one in scene.ministry.sites[site].devices.items() if one.lan in lans}
    return tuple(
        DeviceLogin(
            name=name, address=one.address, platform=one.platform, access=one.access,
            username=(login.username if login else None) or one.username,
            password=_secret(login.password if login else None), enable=_secret(login.enable if login else None),
            host_key=(login.host_key if login else None) or enrolled.get(name),
            snmp=_snmp(scene, site, name, one, login.snmp if login else None),
        )
        for name, one in devices.items()
        for login in (logins.get(name),)
    )  # fmt: skip


def _snmp(scene: Scene, site: str, name: str, device: Device, given: _Snmp | None) -> SnmpLogin | None:
    if device.snmp is None:
        return None
    told = given or _opened(scene, site, name)
    return SnmpLogin(
        version=device.snmp.version, user=device.snmp.user or device.username,
        authentication=device.snmp.authentication, privacy=device.snmp.privacy,
        community=_secret(told.community), authentication_key=_secret(told.authentication),
        privacy_key=_secret(told.privacy),
    )  # fmt: skip


def _opened(scene: Scene, site: str, name: str) -> _Snmp:
    path = snmp_secret(site, name).path
    place = scene.secrets / f"{path}.age"
    if not place.is_file():
        return _Snmp()
    secret = open_secrets(scene.secrets, [path], read_identity(find_identity(scene.identity)))[path]
    return secret_text(secret.reveal(), place, _Snmp)


def _secret(word: str | None) -> SecretStr | None:
    return SecretStr(word) if word else None
