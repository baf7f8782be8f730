"""What a person reads about his inventory: what it means, and where it is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wizara import text, tree
from wizara.errors import ExitCode, InventoryFaults, UsageFault
from wizara.inventory import load, resolve

Edit = Callable[..., Path]
Told = Callable[[], list[str]]


def test_a_ministry_is_read_as_it_stands(mps: Path) -> None:
    ministry = load(mps)
    assert list(ministry.sites) == ["cneap", "hq", "ons"]
    assert [name for _site, name, _node in ministry.nodes()] == ["gw-cneap", "gw-hq", "dc1", "mail1", "gw-ons"]
    assert ministry.declaration.title.in_("ar") == "وزارة الاستشراف والإحصائيات"
    assert str(ministry.declaration.flows[0].services[0]) == "tcp/8080"
    assert ministry.sites["hq"].lans["adm"].vlan == 99


def test_every_shipped_ministry_is_valid() -> None:
    shipped = [path.parent for path in tree.shipped_inventories().glob("*/ministry.yaml")]
    assert "mps" in {folder.name for folder in shipped}
    assert [load(folder).name for folder in shipped] == [folder.name for folder in shipped]


FAULTS = (
    ("sites/hq.yaml", "    manage: 10.20.99.10\n", "    mange: 10.20.99.10\n",
     ["sites/hq.yaml:29:5: nodes[dc1].mange: unknown key 'mange' — did you mean 'manage'?"]),
    ("sites/hq.yaml", "    manage: 10.20.99.10\n", "", ["sites/hq.yaml:26:3: nodes[dc1].manage: 'manage' is missing"]),
    ("sites/hq.yaml", "release: bookworm", "release: bookwurm",
     ["sites/hq.yaml:34:14: nodes[mail1].release: 'bookwurm' should be 'bookworm' or 'trixie' — did you mean 'bookworm'?"]),
    ("sites/hq.yaml", "vlan: 99}", "vlan: 4095}", ["sites/hq.yaml:9:64: lans[adm].vlan: '4095' should be at most 4094"]),
    ("sites/hq.yaml", "vlan: 99}", "vlan: 1_0}", ["sites/hq.yaml:9:64: lans[adm].vlan: '1_0' should be a whole number"]),
    ("sites/hq.yaml", "tcp/21]", "tcp:21]",
     ["sites/hq.yaml:56:100: hosts[files-hq].services[0]: 'tcp:21' should be written tcp/443 or udp/53"]),
    ("sites/hq.yaml", "  dc1:", "  DC1:",
     ["sites/hq.yaml:26:3: nodes[DC1]: 'DC1' should be 1 to 32 of a-z, 0-9 and -, starting with a letter"]),
    ("sites/hq.yaml", "10.20.20.0/24,", "10.20.20.1/24,",
     ["sites/hq.yaml:11:21: lans[office].network: '10.20.20.1/24' should be an IPv4 network such as 10.0.0.0/24, without host bits"]),
    ("sites/hq.yaml", "kind: headquarters", "kind:",
     ["sites/hq.yaml:6:6: kind: nothing stands here — give a value or remove the key"]),
    ("ministry.yaml", "domain: mps.gov.test", "domain: mps", ["ministry.yaml:10:9: domain: 'mps' should be a domain name such as mps.gov.test"]),
    ("ministry.yaml", "  - from: cneap", "  - source: cneap",
     ["ministry.yaml:67:5: flows[0].from: 'from' is missing", "ministry.yaml:67:5: flows[0].source: unknown key 'source'"]),
    ("ministry.yaml", "country: DZ", "country: no", ["ministry.yaml:9:10: country: 'no' should match ^[A-Z]{2}$"]),
)  # fmt: skip


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"), FAULTS, ids=[fault[2].strip() or "removed" for fault in FAULTS]
)
def test_a_fault_says_where_what_and_what_was_meant(
    file: str, old: str, new: str, expected: list[str], edit: Edit, told: Told
) -> None:
    edit(file, old, new)
    assert told() == expected


def test_faults_of_all_files_come_at_once_and_sorted(edit: Edit, told: Told) -> None:
    edit("sites/ons.yaml", "kind: institution", "kind: office")
    edit("ministry.yaml", "country: DZ", "country: dz")
    edit("sites/cneap.yaml", "class: 4g", "class: 5g")
    places = [line.split(": ")[0] for line in told()]
    assert places == ["ministry.yaml:9:10", "sites/cneap.yaml:12:19", "sites/ons.yaml:6:7"]


def test_words_that_yaml_1_1_took_for_something_else_stay_words(edit: Edit) -> None:
    folder = edit(
        "ministry.yaml", "awa:\n    name: {fr: Awa Ouédraogo, en: Awa Ouedraogo,", "awa:\n    name: {fr: no, en: 010,"
    )
    person = load(folder).declaration.people["awa"]
    assert (person.name.fr, person.name.en) == ("no", "010")


def test_a_number_is_decimal_whatever_it_begins_with(edit: Edit) -> None:
    assert load(edit("ministry.yaml", "port: 51820", "port: 010")).declaration.intranet.port == 10  # type: ignore[union-attr]


def test_faults_are_told_in_french(edit: Edit, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_current", "fr")
    edit("sites/hq.yaml", "    manage: 10.20.99.10\n", "    mange: 10.20.99.10\n")
    assert told() == ["sites/hq.yaml:29:5: nodes[dc1].mange: clé inconnue « mange » — vouliez-vous dire « manage » ?"]


def test_another_file_can_stand_for_what_was_enrolled(mps: Path, tmp_path: Path) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43
    (mps / "enrolled.yaml").write_text("nodes: {}\n")
    (tmp_path / "lab.yaml").write_text(f"nodes: {{dc1: {{host_key: {key}}}}}\n")
    assert load(mps).enrolled.nodes == {}
    assert load(mps, enrolled=tmp_path / "lab.yaml").enrolled.nodes["dc1"].host_key == key
    (tmp_path / "lab.yaml").write_text("nodes: {dc1: {}}\n")
    with pytest.raises(InventoryFaults, match=r"lab\.yaml:1:9: nodes\[dc1\]\.host_key: 'host_key' is missing"):
        load(mps, enrolled=tmp_path / "lab.yaml")


def test_an_argument_is_a_path_then_a_name_here_then_a_shipped_one(
    mps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolve(str(mps)) == mps
    assert resolve("./mps") == Path("mps")
    mps.rename(tmp_path / "elsewhere")
    assert resolve("mps") == tree.shipped_inventories() / "mps"
    (tmp_path / "inventories").mkdir()
    (tmp_path / "elsewhere").rename(tmp_path / "inventories" / "mps")
    assert resolve("mps") == Path("inventories/mps")


@pytest.mark.parametrize("argument", ["mpss", "../mps", "", "no/such", "x" * 5000, "\udcff"])
def test_an_argument_that_means_nothing_is_a_usage_fault(
    argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageFault) as refused:
        load(resolve(argument))
    assert refused.value.code is ExitCode.USAGE
