"""On real machines hostile values stay values: nothing is run, and each service's own parser sees no setting more."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

sys.path.insert(0, str(Path(__file__).parents[1] / "lab"))
sys.path.insert(0, str(Path(__file__).parents[1]))
import houses
from hostile_values import MARKER, values
from houses import House

from wizara.inventory.types import Line
from wizara.lab import leftovers

pytestmark = [pytest.mark.lab, pytest.mark.fault_kind("hostile values on a machine")]
#: What each service's own parser makes of its files.
PARSERS = {
    "sshd": "sshd -T -C user=root,host=x,addr=192.0.2.1 | sort", "postfix": "postconf -n; postconf -M", "dovecot": "doveconf -n | grep -v '^#'",
    "unbound": "unbound-checkconf > /dev/null && cat /etc/unbound/unbound.conf", "chrony": "chronyd -p -f /etc/chrony/chrony.conf",
    "wireguard": "wg showconf wg0 | grep -v PrivateKey", "sudo": "visudo -c > /dev/null && cat /etc/sudoers /etc/sudoers.d/*", "rspamd": "rspamadm configdump 2>/dev/null | grep -v '^#' | sort",
    "logins": "getent passwd | cut -d: -f1,3,4,6,7 | awk 'NF == 1'; getent passwd | awk -F: 'NF != 7'; getent group", "units": "systemctl list-unit-files --no-legend | sort",
    "keys": "cat /home/*/.ssh/authorized_keys; ls -A /home", "resolver": "cat /etc/resolv.conf", "sysctl": "cat /etc/sysctl.d/60-wizara.conf",
}  # fmt: skip


def taken() -> list[str]:
    """Return the hostile values that a line of human text may be."""
    found = []
    for value in values("-real"):
        try:
            found.append(TypeAdapter(Line).validate_python(value))
        except ValidationError:
            continue
    return found


HOSTILE = taken()


def _declare(house: House, words: list[str]) -> None:
    """Put *words* wherever the inventory takes a text: each of them in each kind of field that a deploy reads."""
    path = house.folder / "ministry.yaml"
    ministry: dict[str, Any] = yaml.safe_load(path.read_text())
    logins = [f"person{number}" for number in range(len(words))]
    ministry |= {
        "title": dict.fromkeys(("fr", "en", "ar"), words[0]), "engineers": ["essai", *logins], "intranet": {"hub": houses.NODE, "network": "10.97.0.0/24"},
        "people": {"essai": ministry["people"]["essai"]} | {
            login: {"name": {"fr": word, "en": word, "ar": word}, "site": "hq", "mail": login, "ssh_keys": [houses.KEY]} for login, word in zip(logins, words, strict=True)
        },
        "functions": {f"post{number}": {"title": {"fr": word}, "holder": "essai"} for number, word in enumerate(words[:4])},
        "flows": [{"from": "pc", "to": houses.NODE, "services": [f"tcp/{9000 + number}"], "reason": word} for number, word in enumerate(words)],
    }  # fmt: skip
    path.write_text(houses.plain(ministry))
    path = house.folder / "sites" / "hq.yaml"
    site = yaml.safe_load(path.read_text())
    site |= {"title": {"fr": words[-1]}, "hosts": {"pc": {"lan": "servers", "address": "10.98.0.9"}}}
    path.write_text(houses.plain(site))


def _rules(house: House) -> list[Any]:
    """Return the packet filter as the kernel has it, without what counts, numbers or comments."""
    found = json.loads(house.sh("nft -j list ruleset"))["nftables"]

    def bare(part: Any) -> Any:
        if isinstance(part, list):
            return [bare(one) for one in part]
        if isinstance(part, dict):
            return {
                name: bare(one)
                for name, one in part.items()
                if name not in {"comment", "handle", "packets", "bytes", "metainfo"}
            }
        return part

    return list(bare(found))


def _seen(house: House) -> dict[str, Any]:
    return {"nftables": _rules(house)} | {
        name: house.sh(f"{script}; true").splitlines() for name, script in PARSERS.items()
    }


def _markers(house: House) -> list[str]:
    found = house.sh(f"find / /tmp /run /dev/shm -xdev -name '{Path(MARKER).name}*' 2>/dev/null; true").splitlines()
    return found + [str(path) for path in Path(MARKER).parent.glob(f"{Path(MARKER).name}-real*")]


@pytest.fixture(scope="module", params=["trixie", "bookworm"])
def applied(request: pytest.FixtureRequest) -> Iterator[tuple[House, dict[str, Any], dict[str, Any]]]:
    """What the parsers see after harmless words, and after hostile ones."""
    name = f"wali{os.getpid()}{request.param[0]}"
    with tempfile.TemporaryDirectory(prefix="wizara-injection-") as made:
        folder = Path(made) / "single"
        houses.write(folder, request.param, {"user": "root", "key": True}, parts=["node", "names", "mail", "intranet"])
        seen = []
        try:
            for number, words in enumerate(([f"word {number}" for number in range(len(HOSTILE))], HOSTILE)):
                lab = f"{name}{number}"
                house = House(folder, lab, None)  # type: ignore[arg-type]
                _declare(house, words)
                house = houses.build(folder, lab)
                for verb in (("secrets", "generate"), ("enrol",), ("apply", "--yes")):
                    done = house.wizara(*verb)
                    assert done.returncode == 0, done.stdout + done.stderr
                seen.append(_seen(house))
                if number == 0:
                    leftovers.clear(lab)
            yield house, seen[0], seen[1]
        finally:
            for number in range(2):
                leftovers.clear(f"{name}{number}")


def test_hostile_values_run_nothing_and_set_nothing(applied: tuple[House, dict[str, Any], dict[str, Any]]) -> None:
    house, harmless, hostile = applied
    assert len(HOSTILE) >= 20
    assert _markers(house) == []
    different = {
        name: [line for line in hostile[name] if line not in harmless[name]]
        for name in harmless
        if not _same(harmless[name], hostile[name])
    }
    assert different == {}
    assert all(harmless.values())
    assert house.result("plan")["exit_code"] == 0


def _same(one: list[Any], other: list[Any]) -> bool:
    """Say whether both are the same but for keys that each machine has made for itself."""
    own = re.compile(r"[A-Za-z0-9+/]{42,}={0,2}|\$2[aby]\$\S+")
    return [own.sub("K", str(line)) for line in one] == [own.sub("K", str(line)) for line in other]


def test_what_was_hostile_is_really_there(applied: tuple[House, dict[str, Any], dict[str, Any]]) -> None:
    house, _harmless, _hostile = applied
    names = house.sh("getent passwd | cut -d: -f1,5")
    assert sum(f"person{number}:{word.replace(':', ' ')}" in names for number, word in enumerate(HOSTILE)) == len(
        HOSTILE
    )
    assert house.sh("nft list ruleset").count("comment") > len(HOSTILE)


def test_a_marker_and_a_setting_more_would_be_seen(applied: tuple[House, dict[str, Any], dict[str, Any]]) -> None:
    house, harmless, _hostile = applied
    house.sh(
        f"touch {MARKER}-real-planted; nft add rule inet wizara input tcp dport 9999 accept; postconf -e mynetworks=0.0.0.0/0"
    )
    try:
        assert _markers(house)
        now = _seen(house)
        assert {name for name in harmless if not _same(harmless[name], now[name])} == {"nftables", "postfix"}
    finally:
        house.sh(f"rm {MARKER}-real-planted")
