"""The inventory that ``wizara init`` writes: one headquarters, one institution, every line explained."""

from __future__ import annotations

from pathlib import Path

from wizara.errors import UsageFault
from wizara.inventory.enrolled import give_to_owner
from wizara.inventory.reading import shown
from wizara.place import Place
from wizara.text import _

_MINISTRY = """\
# What holds for the whole ministry. Check it after each change: wizara check {name}
# Everything below is an example: replace names, domain and addresses by your own.
name: {name}
title:
  fr: Ministère
  en: Ministry
country: DZ                     # ISO 3166-1 alpha-2
domain: {name}.gov.test         # every node is called NODE.SITE.DOMAIN
languages: [fr, ar, en]         # of reports

# SSH is accepted from these networks and from nowhere else.
management: [10.1.99.0/24, 203.0.113.2/32]
engineers: [first]              # people below with an administrator's login on every node; each needs an SSH key

# Who can open the secrets: age keys (age1…) or ssh-ed25519 public keys. Needed before: wizara secrets generate {name}
# recipients:
#   - age1…

# Where nodes fetch Debian packages; without it their own sources stay.
# apt:
#   mirror: http://203.0.113.10/debian
#   security: http://203.0.113.10/debian-security

dns:
  forward: []                   # resolvers asked for foreign names; none means recursion from the root

# The network that joins the institutions to headquarters; its first address is the hub's.
intranet:
  hub: gw-hq
  network: 10.1.255.0/24
  port: 51820

people:
  first:                        # the login
    name: {{fr: Prénom Nom, en: First Last}}
    site: hq
    mail: first.last            # the part before the @
    ssh_keys:                   # replace it by your own: cat ~/.ssh/id_ed25519.pub
      - {key}

# Posts with a mailbox, whoever holds them.
functions:
  secretariat-general:
    title: {{fr: Secrétariat général, en: Secretariat-General}}
    holder: first

# Permitted traffic between sites beyond what the parts bring; all else is refused.
flows: []
#  - from: institution          # a site, node or host
#    to: web-hq
#    services: [tcp/443]
#    reason: why it is needed
"""

_HEADQUARTERS = """\
# The headquarters; the file's name is the site's.
title: {fr: Siège, en: Headquarters}
kind: headquarters

lans:
  adm: {network: 10.1.99.0/24, purpose: administration, vlan: 99}
  servers: {network: 10.1.10.0/24, purpose: servers, vlan: 10}
  office: {network: 10.1.20.0/24, purpose: office, vlan: 20}
# A LAN that speaks IPv6 too: network6: "fd12:3456:789a:20::/64" beside network, and address6 of its ports and hosts;
# the gateway needs one. Take a prefix of your own (RFC 4193).

# class: fibre, 4g, vsat or metered; address is the gateway's own, gateway the operator's; nat: none, spoke or cgnat
uplinks:
  fibre: {class: fibre, address: 192.0.2.2/30, gateway: 192.0.2.1, nat: none}

# Linux machines that wizara configures. A port is named after the LAN or uplink it is plugged into.
nodes:
  gw-hq:
    release: trixie             # Debian 13; bookworm is Debian 12
    parts: [node, intranet]
    manage: 10.1.99.1           # the address that provisioning speaks to
    vantage: true               # audits may look from it at the LANs it is plugged into; it gets python3
    ports:
      adm: {address: 10.1.99.1}
      servers: {address: 10.1.10.1}
      office: {address: 10.1.20.1}
      fibre: {}                 # its address stands with the uplink
  dc1:
    release: trixie
    parts: [node, names]
    manage: 10.1.99.10
    ports:
      adm: {address: 10.1.99.10}
      servers: {address: 10.1.10.10}
  mail1:
    release: trixie
    parts: [node, mail]
    manage: 10.1.99.20
    ports:
      adm: {address: 10.1.99.20}
      servers: {address: 10.1.10.20}

# Other machines that are known here: what is found and not declared is a finding of an audit.
hosts:
  pc-hq: {lan: office, address: 10.1.20.11}
"""

_INSTITUTION = """\
# An institution, joined to headquarters by its link.
title: {fr: Institution, en: Institution}
kind: institution

lans:
  local: {network: 10.2.1.0/24, purpose: office}

uplinks:
  operator: {class: 4g, address: 198.51.100.2/30, gateway: 198.51.100.1, nat: none}

nodes:
  gw-institution:
    release: trixie
    parts: [node, intranet]
    manage: 198.51.100.2        # it is provisioned from outside, never through its own tunnel
    ports:
      local: {address: 10.2.1.1}
      operator: {}

hosts:
  pc-institution: {lan: local, address: 10.2.1.11}

link: {uplink: operator, address: 10.1.255.2}
"""

#: Nobody holds its private half: a login with it is impossible until a person writes his own.
EXAMPLE_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA replace-me"


def starter(name: str) -> dict[str, str]:
    """Return file → text of a valid inventory of the ministry *name*."""
    return {
        "ministry.yaml": _MINISTRY.format(name=name, key=EXAMPLE_KEY),
        "sites/hq.yaml": _HEADQUARTERS,
        "sites/institution.yaml": _INSTITUTION,
    }


def write_starter(folder: Path, name: str) -> list[Path]:
    """Write the inventory into the new folder *folder*; nothing that exists is touched."""
    files = {folder / path: text for path, text in starter(name).items()}
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise UsageFault(_("is there already; nothing was written"), place=Place(shown(folder))) from None
    except OSError as fault:
        message = _("cannot be written: {reason}").format(reason=fault.strerror)
        raise UsageFault(message, place=Place(shown(folder))) from fault
    (folder / "sites").mkdir()
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    for path in (folder, folder / "sites", *files):
        give_to_owner(path, folder.parent)
    return list(files)
