"""The smallest ministry: one machine, its operator and the outside world, for a test that needs a fresh one."""

from __future__ import annotations

from wizara.inventory.models import Ministry
from wizara.inventory.types import Release
from wizara.lab.rehearsal import Login, Rehearsal

NODE = "machine"


def ministry(release: Release) -> Ministry:
    """Return a ministry of one node of that release, reached over its administration LAN."""
    titles = {"fr": "Machine d'essai"}
    site = {
        "title": titles,
        "kind": "headquarters",
        "lans": {"adm": {"network": "10.99.0.0/24", "purpose": "administration"}},
        "uplinks": {"wan": {"class": "fibre", "address": "192.0.2.2/30", "gateway": "192.0.2.1"}},
        "nodes": {
            NODE: {"release": release, "manage": "10.99.0.1", "ports": {"adm": {"address": "10.99.0.1"}, "wan": {}}}
        },
    }
    declaration = {
        "name": "single", "title": titles, "country": "DZ", "domain": "single.test", "management": ["10.99.0.0/24"],
        "engineers": ["essai"], "people": {"essai": {"name": titles, "site": "hq", "mail": "essai"}},
    }  # fmt: skip
    return Ministry.model_validate({"declaration": declaration, "sites": {"hq": site}, "folder": ""})


def rehearsal(login: Login | None = None) -> Rehearsal:
    """Return its rehearsal: the node lets *login* in, root with the operator's key when none is given."""
    outside = {
        "gateway": "203.0.113.1/24", "operator": "203.0.113.2/24", "mirror": "203.0.113.10", "resolver": "203.0.113.53",
        "names": {"outside.test": "203.0.113.80"},
    }  # fmt: skip
    logins = {NODE: login or Login(user="root", key=True)}
    return Rehearsal.model_validate({"outside": outside, "logins": logins})
