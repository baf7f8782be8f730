"""Names that mean something declared elsewhere: sites, nodes, people, uplinks."""

from __future__ import annotations

from collections.abc import Iterator

from wizara.errors import UsageFault
from wizara.inventory.cross.whole import Whole
from wizara.text import _

#: Accounts that Debian's base-passwd makes on every system, and those that services of ours and wizara itself stand on.
_SYSTEM_LOGINS = (
    *("root", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy", "www-data"),
    *("backup", "list", "irc", "gnats", "nobody"),
    *("messagebus", "polkitd", "sshd", "chrony", "postfix", "dovecot", "dovenull", "unbound", "tcpdump", "vmail"),
    "wizara",
)


def people(whole: Whole) -> Iterator[UsageFault]:
    """Yield a fault for each holder and deputy who is not declared, and for each person at a site that is not."""
    declaration = whole.declaration
    for function_name, function in declaration.functions.items():
        named: list[tuple[tuple[str | int, ...], str]] = [(("holder",), function.holder)]
        named += [(("deputies", index), deputy) for index, deputy in enumerate(function.deputies)]
        for path, name in named:
            if name not in declaration.people:
                place = whole.place("functions", function_name, *path)
                yield whole.unknown(place, _("person"), name, declaration.people)
    for name, person in declaration.people.items():
        if person.site not in whole.sites and whole.complete:
            yield whole.unknown(whole.place("people", name, "site"), _("site"), person.site, whole.sites)


def engineers(whole: Whole) -> Iterator[UsageFault]:
    """Yield a fault for each engineer who is not declared, could not log in, or would be an account of the system."""
    declaration = whole.declaration
    if not declaration.engineers:
        yield UsageFault(_("no engineer: nobody could log in on a node"), place=whole.place("engineers"))
    for index, name in enumerate(declaration.engineers):
        place = whole.place("engineers", index)
        if name in _SYSTEM_LOGINS or name.startswith("systemd-"):
            message = _("engineer '{name}' is called like an account of the system").format(name=name)
            yield UsageFault(message, place=place, hint=_("give this person another key in people"))
        elif name not in declaration.people:
            yield whole.unknown(place, _("person"), name, declaration.people)
        elif not declaration.people[name].ssh_keys:
            message = _("engineer '{name}' has no SSH key and could not log in").format(name=name)
            hint = _("add one to people.{name}.ssh_keys").format(name=name)
            yield UsageFault(message, place=place, hint=hint)


def flows(whole: Whole) -> Iterator[UsageFault]:
    """Yield a fault for each end of a flow that is not declared, and for each flow that leads nowhere."""
    known = set(whole.sites)
    for site in whole.sites.values():
        known.update(site.nodes, site.devices, site.hosts)
    for index, flow in enumerate(whole.declaration.flows):
        for end, name in (("from", flow.source), ("to", flow.target)):
            if name not in known and whole.complete:
                yield whole.unknown(whole.place("flows", index, end), _("site, node or host"), name, sorted(known))
        if flow.source == flow.target:
            yield UsageFault(_("the flow ends where it begins"), place=whole.place("flows", index, "to"))
        if not flow.services:
            yield UsageFault(_("the flow permits no service"), place=whole.place("flows", index, "services"))


def headquarters(whole: Whole) -> Iterator[UsageFault]:
    """Yield a fault unless exactly one site is the headquarters."""
    found = [name for name, site in whole.sites.items() if site.kind == "headquarters"]
    if not found and whole.complete:
        message, hint = _("no site is the headquarters"), _("give one site 'kind: headquarters'")
        yield UsageFault(message, place=whole.place(), hint=hint)
    for name in found[1:]:
        message = _("a second headquarters; the first is at {first}").format(first=whole.site_place(found[0], "kind"))
        yield UsageFault(message, place=whole.site_place(name, "kind"))
