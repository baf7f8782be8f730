"""Secrets are made once, opened only for those who use them, and shown to nobody."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import bcrypt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pyrage import x25519

from wizara import tree
from wizara.errors import UsageFault
from wizara.inventory import load, minting
from wizara.inventory.enrolled import enrolled_text, write_enrolled
from wizara.inventory.generate import Generation
from wizara.inventory.models import Enrolled, EnrolledNode
from wizara.inventory.required import required_secrets
from wizara.inventory.secrets import Secret, find_identity, open_secrets, part_of, read_identity, secrets_of_nodes


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minting, "_ROUNDS", 4)


@pytest.fixture
def identity(mps: Path, tmp_path: Path) -> Path:
    """Give the copied ministry a recipient, and return the file that opens what is for him."""
    key = x25519.Identity.generate()
    path = mps / "ministry.yaml"
    path.write_text(path.read_text().replace("\napt:\n", f"\nrecipients: [{key.to_public()}]\n\napt:\n", 1))
    (tmp_path / "identity.age").write_text(f"# made for a test\n{key}\n")
    return tmp_path / "identity.age"


def _generate(folder: Path, identity: Path) -> Generation:
    generation = Generation(load(folder), folder, identity)
    generation.run()
    return generation


def test_the_parts_say_which_secrets_are_needed(mps: Path) -> None:
    needed = required_secrets(load(mps))
    assert [one.path for one in needed] == [
        "hq/ca", "hq/dkim-mps-gov-test", "hq/mail1-tls", "hq/mailbox-awa-ouedraogo", "hq/mailbox-dsi",
        "hq/mailbox-issa-kabore", "hq/mailbox-karim-benali", "hq/mailbox-probe", "hq/mailbox-samira-haddad",
        "hq/mailbox-secretariat-general",
    ]  # fmt: skip
    assert {one.nodes for one in needed} == {(), ("mail1",)}


def test_what_is_missing_is_made_and_nothing_is_replaced(mps: Path, identity: Path) -> None:
    first = _generate(mps, identity)
    assert len(first.made) == 10
    before = {path: path.read_bytes() for path in mps.rglob("*") if path.is_file()}
    (mps / "secrets" / "hq" / "mailbox-dsi.age").unlink()
    again = _generate(mps, identity)
    assert again.made == ["hq/mailbox-dsi"]
    after = {path: path.read_bytes() for path in mps.rglob("*") if path.is_file()}
    assert [path.name for path in before if before[path] != after[path]] == ["mailbox-dsi.age"]
    assert all(b"BEGIN AGE ENCRYPTED FILE" in before[path] for path in before if path.suffix == ".age")


def test_what_was_made_fits_together(mps: Path, identity: Path) -> None:
    _generate(mps, identity)
    ministry = load(mps)
    opened = secrets_of_nodes(ministry, ["mail1", "gw-hq"], mps / "secrets", identity)
    assert opened["gw-hq"] == {}
    bundle = opened["mail1"]["mail1-tls"].reveal()
    leaf, authority = (
        x509.load_pem_x509_certificate(pem.encode())
        for pem in (minting.certificate_of(bundle), str(ministry.enrolled.authority))
    )
    leaf.verify_directly_issued_by(authority)
    key = serialization.load_pem_private_key(bundle.encode(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.public_key() == leaf.public_key()
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    assert names == ["mail1.hq.mps.gov.test", "mail.mps.gov.test", "mps.gov.test"]
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    dkim = ministry.enrolled.dkim["mps.gov.test"]
    assert (dkim.selector, dkim.public) == (
        "wz2026",
        minting.public_half(opened["mail1"]["dkim-mps-gov-test"].reveal()),
    )
    mailbox = json.loads(opened["mail1"]["mailbox-dsi"].reveal())
    assert mailbox["hash"].startswith("$2b$")
    assert bcrypt.checkpw(mailbox["password"].encode(), mailbox["hash"].encode())


@pytest.mark.parametrize("name", ["ca", "dkim-mps-gov-test"])
def test_a_lost_key_whose_public_half_is_in_use_is_not_made_anew(name: str, mps: Path, identity: Path) -> None:
    _generate(mps, identity)
    (mps / "secrets" / "hq" / f"{name}.age").unlink()
    with pytest.raises(UsageFault, match="holds its public half"):
        _generate(mps, identity)


def test_a_lost_public_half_is_learned_from_its_secret(mps: Path, identity: Path) -> None:
    _generate(mps, identity)
    before = load(mps).enrolled
    (mps / "enrolled.yaml").unlink()
    assert _generate(mps, identity).made == []
    assert load(mps).enrolled == before


def test_without_recipients_nothing_is_made(mps: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="no recipients"):
        _generate(mps, tmp_path / "none")
    assert not (mps / "secrets").exists()


def test_a_lab_has_its_own_secrets(mps: Path, tmp_path: Path) -> None:
    key = x25519.Identity.generate()
    state = tmp_path / "state"
    state.mkdir()
    (state / "identity.age").write_text(f"{key}\n")
    write_enrolled(state / "enrolled.yaml", Enrolled(recipients=(str(key.to_public()),)))
    ministry = load(mps, enrolled=state / "enrolled.yaml")
    Generation(ministry, state, state / "identity.age").run()
    assert not (mps / "secrets").exists()
    assert not (mps / "enrolled.yaml").exists()
    again = load(mps, enrolled=state / "enrolled.yaml")
    assert again.enrolled.recipients == ministry.enrolled.recipients
    assert "mail1-tls" in secrets_of_nodes(again, ["mail1"], state / "secrets", state / "identity.age")["mail1"]


def test_a_certificate_of_the_authority_before_is_refused_before_a_server_shows_it(mps: Path, identity: Path) -> None:
    _generate(mps, identity)
    (mps / "secrets" / "hq" / "ca.age").unlink()
    enrolled = load(mps).enrolled.model_copy(update={"authority": None})
    write_enrolled(mps / "enrolled.yaml", enrolled)
    assert _generate(mps, identity).made == ["hq/ca"]
    with pytest.raises(UsageFault, match="signed by an earlier authority") as refused:
        secrets_of_nodes(load(mps), ["mail1"], mps / "secrets", identity)
    assert refused.value.place
    assert refused.value.place.file.endswith("hq/mail1-tls.age")
    (mps / "secrets" / "hq" / "mail1-tls.age").unlink()
    assert _generate(mps, identity).made == ["hq/mail1-tls"]
    assert "mail1-tls" in secrets_of_nodes(load(mps), ["mail1"], mps / "secrets", identity)["mail1"]


def test_a_certificate_of_another_authority_is_taken_as_it_is(mps: Path) -> None:
    ours, others = (
        minting.authority(load(mps).declaration.model_copy(update={"name": name})) for name in ("mps", "zzz")
    )
    assert not minting.is_outdated(minting.server(others, ("mail.example",)), minting.certificate_of(ours))
    assert not minting.is_outdated(minting.server(ours, ("mail.example",)), minting.certificate_of(ours))


def test_a_missing_secret_says_what_makes_it(mps: Path, identity: Path) -> None:
    with pytest.raises(UsageFault, match=r"10 secrets are missing|9 secrets are missing") as refused:
        secrets_of_nodes(load(mps), ["mail1"], mps / "secrets", identity)
    assert refused.value.hint
    assert refused.value.hint.startswith(
        "wizara secrets generate /"
    )  # the very folder, so that it is not another's secrets
    assert refused.value.hint.endswith("/mps")
    assert secrets_of_nodes(load(mps), ["gw-ons"], mps / "secrets", Path("/nonexistent")) == {"gw-ons": {}}


def test_only_a_recipient_opens_them(mps: Path, identity: Path, tmp_path: Path) -> None:
    _generate(mps, identity)
    (tmp_path / "other").write_text(f"{x25519.Identity.generate()}\n")
    with pytest.raises(UsageFault, match="cannot be opened with this identity"):
        open_secrets(mps / "secrets", ["hq/ca"], read_identity(tmp_path / "other"))
    (mps / "secrets" / "hq" / "ca.age").write_bytes(b"\0garbage")
    with pytest.raises(UsageFault, match=r"ca\.age:1:1: cannot be opened"):
        open_secrets(mps / "secrets", ["hq/ca"], read_identity(identity))


@pytest.mark.parametrize("passphrase", ["", "correct horse"])
def test_an_ssh_key_opens_secrets_with_or_without_passphrase(passphrase: str, mps: Path, tmp_path: Path) -> None:
    key = tmp_path / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", key], check=True)
    public = " ".join(key.with_suffix(".pub").read_text().split()[:2])
    path = mps / "ministry.yaml"
    path.write_text(path.read_text().replace("\napt:\n", f"\nrecipients: [{public}]\n\napt:\n", 1))
    asked: list[str] = []

    def ask(file: str) -> str:
        asked.append(file)
        return passphrase

    Generation(load(mps), mps, key, ask).run()
    opened = secrets_of_nodes(load(mps), ["mail1"], mps / "secrets", key, ask)
    assert len(opened["mail1"]) == 9
    assert bool(asked) == bool(passphrase)
    if passphrase:
        with pytest.raises(UsageFault, match="the key has a passphrase"):
            read_identity(key)
        with pytest.raises(UsageFault, match="the passphrase is wrong"):
            read_identity(key, lambda _file: "wrong")


@pytest.mark.parametrize(
    "content", ["", "AGE-SECRET-KEY-1NONSENSE", "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n", "\0\xff"]
)
def test_what_is_no_key_is_told_so(content: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(content)
    with pytest.raises(UsageFault, match="is neither an age identity nor"):
        read_identity(tmp_path / "key")


def test_the_key_is_the_named_one_then_the_environments_then_ones_own() -> None:
    assert find_identity(Path("a"), {"WIZARA_IDENTITY": "b"}) == Path("a")
    assert find_identity(None, {"WIZARA_IDENTITY": "b"}) == Path("b")
    assert find_identity(None, {}).parts[-2:] == (".ssh", "id_ed25519")


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret("canary")
    assert secret.reveal() == "canary"
    assert {str(secret), repr(secret), f"{secret}", f"{secret:>3}", "%s" % secret, str([secret])} == {"•••", "[•••]"}  # noqa: UP031
    assert secret == Secret("canary") != Secret("other")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(secret, protocol)
    with pytest.raises(TypeError):
        json.dumps({"secret": secret})


def test_generating_shows_no_secret(mps: Path, identity: Path) -> None:
    line = [sys.executable, "-m", "wizara", "secrets", "generate", str(mps), "--identity", str(identity)]
    told = subprocess.run(line, check=True, capture_output=True, text=True, cwd=tree.root())
    opened = secrets_of_nodes(load(mps), ["mail1"], mps / "secrets", identity)["mail1"]
    canaries = [json.loads(one.reveal())["password"] for name, one in opened.items() if name.startswith("mailbox-")]
    for name in ("mail1-tls", "dkim-mps-gov-test"):
        key, _end, _certificate = opened[name].reveal().partition("-----END PRIVATE KEY-----")
        canaries += key.splitlines()[1:]
    assert len(canaries) > 20
    everything = told.stdout + told.stderr + "".join(path.read_text() for path in mps.rglob("*") if path.is_file())
    assert [canary for canary in canaries if canary in everything] == []
    assert "10 secrets made" in told.stdout


def test_enrolled_is_the_same_text_for_the_same_facts(tmp_path: Path) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43
    one, other = EnrolledNode(host_key=key), EnrolledNode(host_key=key, devices={"adm": "enp1s0"})
    first = enrolled_text(Enrolled(nodes={"b": one, "a": other}))
    assert first == enrolled_text(Enrolled(nodes={"a": other, "b": one}))
    assert first.startswith("# Written by wizara")
    write_enrolled(tmp_path / "enrolled.yaml", Enrolled(nodes={"no": one}))
    assert list(tmp_path.iterdir()) == [tmp_path / "enrolled.yaml"]
    assert "'no':" in (tmp_path / "enrolled.yaml").read_text()


@pytest.mark.parametrize("text", ["x", "[]", "{}", '"x"', "3"])
def test_a_mailbox_that_is_no_password_with_its_hash_is_named(text: str) -> None:
    with pytest.raises(UsageFault, match="mailbox-dsi"):
        part_of(Secret(text), "mailbox-dsi", "hash")
    assert part_of(Secret('{"hash": "h"}'), "mailbox-dsi", "hash") == "h"


@pytest.mark.parametrize("text", ["x", "{", "[]", "community:\n", "secret: x\n", "community: [x]\n", ""])
def test_what_holds_no_words_of_snmp_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        minting.form("snmp", text)


def test_the_words_of_snmp_that_are_made_are_taken_back() -> None:
    made = minting.snmp()
    assert minting.form("snmp", made) == made
    assert minting.form("snmp", "community: autre-mot\n") == "community: autre-mot\n"
