"""wizara's word on ten TLS servers beside that of sslyze, which is installed for this alone and is no library of wizara's."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "lab"))
from corpus import audits, root, settings
from corpus.ground import AUDITOR, NETWORK, Ground
from corpus.papers import Authority

from wizara.record.world import cache_folder

_VERSIONS = {"SSLv3": "ssl_3_0", "TLSv1.0": "tls_1_0", "TLSv1.1": "tls_1_1", "TLSv1.2": "tls_1_2", "TLSv1.3": "tls_1_3"}
_WEAK = {"NULL": "_NULL_", "EXPORT": "EXPORT", "anonymous": "_anon_", "RC4": "_RC4_", "DES": "_DES_", "3DES": "_3DES_"}
_ASKED = ("--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3", "--certinfo")
_VERSION = "6.3.1"


def program() -> Path:
    """Return sslyze; it is installed into an environment of its own in the cache when it is not there yet."""
    folder = cache_folder() / "bench" / f"sslyze-{_VERSION}-{sys.version_info.minor}"
    if not (folder / "bin" / "sslyze").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(folder / "bin" / "pip"), "install", "-q", f"sslyze=={_VERSION}"], check=True)
    return folder / "bin" / "sslyze"


def theirs(told: dict[str, Any]) -> dict[str, Any]:
    """Return what sslyze says of one server, in wizara's words."""
    result = told["scan_result"]
    suites = {
        name: (result[f"{key}_cipher_suites"]["result"] or {}).get("accepted_cipher_suites", [])
        for name, key in _VERSIONS.items()
    }
    names = [one["cipher_suite"]["name"] for one in (suite for group in suites.values() for suite in group)]
    shown = result["certificate_info"]["result"]
    leaf = shown["certificate_deployments"][0]["received_certificate_chain"][0] if shown else None
    facts = {
        "versions": [name for name, accepted in suites.items() if accepted],
        "weak": [name for name, mark in _WEAK.items() if any(mark in one for one in names)],
    }
    if leaf:
        facts |= {
            "key_bits": leaf["public_key"]["key_size"], "signature": leaf["signature_hash_algorithm"]["name"],
            "ends": leaf["not_valid_after"][:10], "self_signed": leaf["subject"] == leaf["issuer"],
            "names": leaf["subject_alternative_name"]["dns_names"],
        }  # fmt: skip
    return facts


def ours(told: dict[str, Any]) -> dict[str, Any]:
    """Return the same of wizara's observation."""
    facts: dict[str, Any] = {"versions": told["versions"], "weak": told["weak"]}
    shown = told["certificate"]
    if shown:
        facts |= {key: shown[key] for key in ("key_bits", "signature", "self_signed", "names")}
        facts["ends"] = shown["not_after"][:10]
    return facts


def compare() -> list[tuple[int, dict[str, Any], dict[str, Any]]]:
    """Return (host, ours, theirs) of the ten servers."""
    trees, judge = root.trees(), program()
    with Ground() as up, tempfile.TemporaryDirectory() as runs:
        hosts = settings.tls(Authority())
        for last, (tree, files, script) in hosts.items():
            up.host(last, trees[tree], files, script)
        up.wait(dict.fromkeys(hosts, 443))
        mine = audits.seen(audits.audit(up, Path(runs), "--profile", "fast", "--ports", "443"), "tls")
        kept = Path(runs) / "sslyze.json"
        targets = [f"{NETWORK}.{last}:443" for last in hosts]
        line = [str(judge), "--json_out", str(kept), "--mozilla_config", "disable", *_ASKED, *targets]
        subprocess.run(up.command(AUDITOR, *line), check=False, capture_output=True)
        told = json.loads(kept.read_text())["server_scan_results"]
    return [(last, ours(mine[last]), theirs(one)) for one in told for last in (_last(one),)]


def _last(told: dict[str, Any]) -> int:
    return int(told["server_location"]["ip_address"].rpartition(".")[2])


def main() -> int:
    """Print a line a server; 4 when the two disagree."""
    rows = compare()
    print("| server | agreed | wizara | sslyze where it differs |\n|---|---|---|---|")
    good = len(rows) == 10
    for last, mine, other in sorted(rows, key=lambda row: row[0]):
        differs = {key: value for key, value in other.items() if mine.get(key) != value}
        good &= not differs
        print(f"| {last} | {'yes' if not differs else 'no'} | {mine} | {differs or '–'} |")
    return 0 if good else 4


if __name__ == "__main__":
    sys.exit(main())
