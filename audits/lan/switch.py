"""Reads a declared switch's version, configuration and neighbours over SSH; only when its host key is pinned."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from audits.devices.redaction import ios_line
from wizara.audit.job import DeviceLogin
from wizara.audit.untrusted import untrusted, untrusted_lines

#: Opens a way to an address and port within seconds: a socket, or what can stand for one.
Connect = Callable[[str, int, float], Any]
COMMANDS = {
    "version": "show version",
    "config": "show running-config",
    "cdp": "show cdp neighbors",
    "lldp": "show lldp neighbors",
}
#: How IOS says no: unknown command, missing privilege.
_REFUSED = re.compile(r"% ?(?:Invalid|Incomplete|Ambiguous|Unknown|Authorization|Access|Error)")


def look(connect: Connect, device: DeviceLogin) -> dict[str, JsonValue]:
    """Return the answers of *device* by name; ``answer: false`` and why when it could not be read."""
    if device.platform != "cisco_ios":
        return {"answer": False, "reason": "platform"}
    if device.password is None:
        return {"answer": False, "reason": "no-password"}
    if device.host_key is None:
        return {"answer": False, "reason": "no-host-key"}
    with tempfile.TemporaryDirectory(prefix="wizara-device-") as folder:
        known = Path(folder) / "known_hosts"
        known.write_text(f"{device.address} {device.host_key}\n")
        return _read(connect, device, known)


def _read(connect: Connect, device: DeviceLogin, known: Path) -> dict[str, JsonValue]:
    from netmiko import ConnectHandler  # noqa: PLC0415 - a second of import that only this collector pays
    from netmiko.exceptions import NetmikoAuthenticationException, NetmikoBaseException  # noqa: PLC0415
    from paramiko.ssh_exception import SSHException  # noqa: PLC0415

    assert device.password is not None
    password = device.password.get_secret_value()
    try:
        with ConnectHandler(
            device_type=device.platform, host=str(device.address), username=device.username, password=password,
            secret=device.enable.get_secret_value() if device.enable else password,
            sock=connect(str(device.address), 22, 10), ssh_strict=True, system_host_keys=False,
            alt_host_keys=True, alt_key_file=str(known), use_keys=False, allow_agent=False, conn_timeout=10,
            fast_cli=True,
        ) as session:  # fmt: skip
            if not session.check_enable_mode():
                session.enable()
            said = {name: session.send_command(command, read_timeout=20) for name, command in COMMANDS.items()}
            told: dict[str, JsonValue] = {name: lines(str(answer)) for name, answer in said.items()}
            return told | {"platform": device.platform}
    except NetmikoAuthenticationException:
        return {"answer": False, "reason": "refused"}
    except (NetmikoBaseException, SSHException, OSError, EOFError, ValueError) as fault:
        reason = "host-key" if "host key" in str(fault).lower() or "known_hosts" in str(fault) else "session"
        return {"answer": False, "reason": reason, "fault": untrusted(str(fault).splitlines()[0] if str(fault) else "")}


def lines(answer: str) -> list[JsonValue]:
    """Return the lines of a switch's *answer* without secrets, numbered as it gave them; none when it refused the command."""
    told = [ios_line(line) for line in untrusted_lines(answer.strip("\r\n"))]
    return [] if any(_REFUSED.match(line) for line in told[:3]) or not any(told) else [*told]
