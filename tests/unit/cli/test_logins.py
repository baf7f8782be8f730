"""Devices are logged in to by a file of credentials, or by the ministry's own secrets; what is not there stays absent."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pyrage import x25519

from wizara.cli.logins import device_logins
from wizara.cli.world import Scene
from wizara.errors import WizaraError
from wizara.inventory import load
from wizara.inventory.generate import Generation
from wizara.inventory.required import snmp_secret
from wizara.inventory.secrets import open_secrets, read_identity
from wizara.record.world import World
from wizara.tree import shipped_inventories


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """The shipped ministry, whose switch is read by SNMPv3, with a recipient of its secrets."""
    folder = shutil.copytree(shipped_inventories() / "mps", tmp_path / "mps")
    key = x25519.Identity.generate()
    (tmp_path / "identity.age").write_text(f"{key}\n")
    declaration, site = folder / "ministry.yaml", folder / "sites" / "hq.yaml"
    declaration.write_text(declaration.read_text() + f"\nrecipients: [{key.to_public()}]\n")
    site.write_text(
        site.read_text().replace(
            "    platform: cisco_ios\n", "    platform: cisco_ios\n    snmp: {version: 3, user: watch}\n", 1
        )
    )
    return Scene(load(folder), World())


def test_the_secret_of_a_device_is_made_and_read(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (login,) = device_logins(scene, "hq", ("office",), None)
    assert login.snmp
    assert (login.snmp.user, login.snmp.security, login.snmp.complete) == ("watch", "authPriv", False)
    identity = tmp_path / "identity.age"
    generation = Generation(scene.ministry, scene.folder, identity)
    monkeypatch.setattr("wizara.inventory.generate.required_secrets", lambda _ministry: (snmp_secret("hq", "sw-hq"),))
    generation.run()
    assert generation.made == ["hq/snmp-sw-hq"]
    monkeypatch.setenv("WIZARA_IDENTITY", str(identity))
    (login,) = device_logins(scene, "hq", ("office",), None)
    assert login.snmp
    assert login.snmp.complete
    opened = open_secrets(scene.secrets, ["hq/snmp-sw-hq"], read_identity(identity))["hq/snmp-sw-hq"].reveal()
    assert login.snmp.privacy_key
    assert login.snmp.privacy_key.get_secret_value() in opened


def test_a_credentials_file_comes_first(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "credentials.yaml"
    path.write_text("sw-hq: {snmp: {authentication: hunter2-a, privacy: hunter2-p}}\n")
    (login,) = device_logins(scene, "hq", ("office",), path)
    assert login.snmp
    assert (login.snmp.complete, login.password) == (True, None)
    assert "hunter2" not in repr(login)


def test_a_passphrase_that_is_too_short_is_refused_without_being_shown(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "credentials.yaml"
    path.write_text("sw-hq: {snmp: {authentication: hunter2}}\n")
    with pytest.raises(WizaraError) as fault:
        device_logins(scene, "hq", ("office",), path)
    assert "hunter2" not in str(fault.value) + repr(fault.value)
