"""What every node has: administrators, hardened SSH, a packet filter that denies by default, time, and a resolver."""

from __future__ import annotations

from wizara.operations import directory, file, login, members, packages, retired, template, this_node, unit

#: sshd keeps the first value it reads: an installer's 10-….conf or a cloud's 50-….conf must come after ours.
_SSHD = "/etc/ssh/sshd_config.d/00-wizara.conf"
_NFT = "/etc/nftables.conf"
#: The unit is active long after somebody flushed its rules, or added one: the kernel must hold what the file says, which a
#: network namespace of a moment's life is told as well.
_FILTERS = """
for chain in input forward; do nft list chain inet wizara "$chain" | grep -q 'policy drop' || exit 1; done
declared=$(unshare -n sh -c 'nft -f /etc/nftables.conf && nft -s list table inet wizara') || exit 0
[ "$(nft -s list table inet wizara)" = "$declared" ]
"""
_CHRONY = "/etc/chrony/chrony.conf"
_SYSCTL = "/etc/sysctl.d/60-wizara.conf"
_SETTINGS = f"""
sed -n 's/^\\(net[^ ]*\\) = /\\1 /p' {_SYSCTL} | while read -r key value; do [ "$(sysctl -n "$key")" = "$value" ] || exit 1; done
"""


def install() -> None:
    """Install what every node needs, and where audits look from it, what their collectors run on."""
    packages(name="Base packages", names=("nftables", "openssh-server", "sudo", "chrony", "ca-certificates"))
    if this_node().vantage:
        packages(name="What the audit's collectors run on", names=("python3",))


def configure() -> None:
    """Write the node's files, each judged by its own program before it takes its place."""
    node = this_node()
    _admins()
    values = {"node": node, "accepted": ()}
    template("Kernel network settings", "node/sysctl.conf.j2", _SYSCTL, values)
    template(
        "SSH server",
        "node/sshd.conf.j2",
        _SSHD,
        values,
        mode="600",
        check='mkdir -p /run/sshd; sshd -t -f "$1"',
        reaches_node=True,
    )
    template(
        "Packet filter", "node/nftables.conf.j2", _NFT, values, mode="755", check='nft -c -f "$1"', reaches_node=True
    )
    template("Time", "node/chrony.conf.j2", _CHRONY, values, check='chronyd -p -f "$1" > /dev/null')


def _admins() -> None:
    """Give each engineer a login by key, and take it from who is none any more."""
    members(name="No other administrators", group="wizara-admins", names=tuple(one.login for one in this_node().admins))
    for admin in this_node().admins:
        login(name=f"Administrator {admin.login}", name_=admin.login, comment=admin.name, groups=("wizara-admins",))
        directory(
            name=f"SSH folder of {admin.login}",
            path=f"/home/{admin.login}/.ssh",
            owner=admin.login,
            group=admin.login,
            mode="700",
        )
        file(
            name=f"SSH keys of {admin.login}", path=f"/home/{admin.login}/.ssh/authorized_keys", content="\n".join((*admin.keys, "")),
            owner=admin.login, group=admin.login, mode="600", reaches_node=True,
        )  # fmt: skip
    template("Administrators may use sudo", "node/sudoers.j2", "/etc/sudoers.d/wizara-admins", {}, mode="440",
             check='visudo -cqf "$1"', reaches_node=True)  # fmt: skip


def activate() -> None:
    """Run what every node runs; the filter stands before the kernel forwards anything."""
    unit(name="Packet filter is in force", unit_name="nftables.service", files=(_NFT,), reloads=True, reaches_node=True,
         in_force=_FILTERS)  # fmt: skip
    retired(name="No other packet filter", unit_names=("ufw", "firewalld", "netfilter-persistent"))
    unit(
        name="Kernel network settings are in force",
        unit_name="systemd-sysctl.service",
        files=(_SYSCTL,),
        reaches_node=True,
        in_force=_SETTINGS,
    )
    unit(name="SSH server runs", unit_name="ssh.service", files=(_SSHD,), reloads=True, reaches_node=True)


def settle() -> None:
    """Ask the ministry's own servers from now on, for time and for names, now that the way to them is there."""
    unit(name="Time is kept", unit_name="chrony.service", files=(_CHRONY,))
    node = this_node()
    resolvers = ("127.0.0.1",) if node.names else node.resolvers
    if resolvers:
        template("Resolver", "node/resolv.conf.j2", "/etc/resolv.conf", {"node": node, "resolvers": resolvers},
                 reaches_node=True)  # fmt: skip
    file(
        name="This machine was applied to",
        path="/var/lib/wizara/applied",
        content="An apply of wizara came to its end here.\n",
    )
