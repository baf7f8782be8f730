"""The twelve ways to lock oneself out (R4), each as a deploy of wizara's own operations on a machine with a tunnel and a script."""

from __future__ import annotations

from collections.abc import Callable

from ground import ADDRESS, NODE, Apply, Ground

_NET = "/usr/local/sbin/faults-net"
#: What a path is like that carries 1300 bytes and says nothing of it.
_NARROW = """table inet narrow {
 chain from_node { type filter hook input priority -300; ip saddr 10.99.0.1 ip length > 1300 drop; }
 chain to_node { type filter hook output priority -300; ip daddr 10.99.0.1 ip length > 1300 drop; }
}
"""
_PEER = r"""
set -e
umask 077
export DEBIAN_FRONTEND=noninteractive
command -v wg > /dev/null || { apt-get -q update; apt-get -q -y --no-install-recommends install wireguard-tools; } > /dev/null 2>&1
mkdir -p /etc/wireguard; cd /etc/wireguard
[ -e peer.key ] || wg genkey > peer.key
wg pubkey < peer.key
"""
_LINK = r"""
cat > /etc/wireguard/wg9.conf << END
[Interface]
Address = 10.66.0.2/24
ListenPort = 51999
PostUp = wg set %i private-key /etc/wireguard/peer.key
[Peer]
PublicKey = @KEY@
AllowedIPs = 10.66.0.1/32
END
systemctl enable --now wg-quick@wg9 2>&1
"""


#: The way to the operator, and what a script must say of a path that carries no more.
_ROUTE = "ip route replace 10.99.0.0/24 dev adm proto kernel scope link src 10.99.0.1"
_SMALL = "mtu lock 1280 advmss 1240"


def network(small: str = _SMALL, extra: str = "") -> str:
    """Return the deploy of the machine's own network script, and its unit."""
    script = f"#!/bin/sh\nip link set adm gso_max_segs 1\n{_ROUTE} {small}\n{extra}\n"
    service = f"[Unit]\nAfter=network.target\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart={_NET}\n[Install]\nWantedBy=multi-user.target\n"
    return f"""
file(name='script', path={_NET!r}, content={script!r}, mode='755', reaches_node=True)
file(name='service', path='/etc/systemd/system/faults-net.service', content={service!r}, reaches_node=True)
unit(name='network', unit_name='faults-net.service', files=({_NET!r},), reaches_node=True)
"""


def tunnel(key: str, endpoint: str = "10.99.0.2") -> str:
    """Return the deploy of the machine's tunnel to the peer with that public *key*."""
    text = f"""[Interface]
Address = 10.66.0.1/24
ListenPort = 51998
PostUp = wg set %i private-key /etc/wireguard/peer.key
[Peer]
PublicKey = {key}
AllowedIPs = 10.66.0.2/32
Endpoint = {endpoint}:51999
PersistentKeepalive = 25
"""
    return f"""
file(name='tunnel', path='/etc/wireguard/wg9.conf', content={text!r}, mode='600', reaches_node=True)
unit(name='tunnel is up', unit_name='wg-quick@wg9.service', files=('/etc/wireguard/wg9.conf',), reaches_node=True)
"""


def prepare(ground: Ground) -> str:
    """Bring a fresh machine to a good state that all twelve can spoil; return its peer's public key."""
    done = ground.wizara("apply", "--yes", "--limit", "machine")
    assert done.returncode == 0, done.stdout + done.stderr
    peer = ground.sh(_PEER, node="other", timeout=200).strip()
    own = ground.sh(_PEER, timeout=200).strip()
    ground.sh(_LINK.replace("@KEY@", own), node="other")
    good = Apply(ground, network() + tunnel(peer))()
    assert good.outcome == "changed", good.message
    done = ground.lab.exec("operator", ["sh", "-c", "ip link set adm gso_max_segs 1; nft -f -"], stdin=_NARROW)
    assert done.returncode == 0, done.stderr
    ground.lab.reboot(NODE)  # what only a first start does is over, and what is not permanent is gone
    ground.lab.wait_unit(NODE, "multi-user.target")
    wait_for_tunnel(ground)
    ground.settle()
    return peer


def wait_for_tunnel(ground: Ground) -> None:
    """Return when the tunnel is up: one that was not before a change is not asked for after it."""
    ground.lab.wait_unit(NODE, "wg-quick@wg9.service")
    ground.sh("i=0; until ping -q -c 1 -W 1 10.66.0.2; do i=$((i+1)); [ $i -lt 30 ] || exit 1; done")


def _sshd(added: str) -> Callable[[Ground, str], str]:
    def code(ground: Ground, _peer: str) -> str:
        text = ground.sh("cat /etc/ssh/sshd_config.d/00-wizara.conf") + added
        return f"""
file(name='sshd', path='/etc/ssh/sshd_config.d/00-wizara.conf', content={text!r}, mode='600', reaches_node=True)
unit(name='ssh', unit_name='ssh.service', files=('/etc/ssh/sshd_config.d/00-wizara.conf',), reaches_node=True)
"""

    return code


def _file(path: str, content: str, **settings: str) -> Callable[[Ground, str], str]:
    words = "".join(f", {name}={value!r}" for name, value in settings.items())
    return lambda _ground, _peer: f"file(name='bad', path={path!r}, content={content!r}{words}, reaches_node=True)\n"


def _without_user(ground: Ground, _peer: str) -> str:
    kept = ground.sh("grep -v '^wizara:' /etc/passwd")
    return f"file(name='bad', path='/etc/passwd', content={kept!r}, reaches_node=True)\n"


_CLOSED = "flush ruleset\ntable inet wizara { chain input { type filter hook input priority 0; policy drop; }\n}\n"
_DROP = f"""
file(name='filter', path='/etc/nftables.conf', content={_CLOSED!r}, mode='755', check='nft -c -f "$1"', reaches_node=True)
unit(name='in force', unit_name='nftables.service', files=('/etc/nftables.conf',), reloads=True, reaches_node=True)
"""
_STRANGER = "8Sru9SHRyVNvHb9gTwXKvlcYUDoRvnDYVjS+Xx0QkiE="
#: Name → the deploy that locks out, made for the machine and its peer's public key.
LOCKOUTS: dict[str, Callable[[Ground, str], str]] = {
    "firewall drop": lambda _ground, _peer: _DROP,
    "sshd wrong port": _sshd("Port 2222\n"),
    "sshd broken syntax": _sshd("Prot 22\n"),
    "key removed": _file("/home/wizara/.ssh/authorized_keys", "# nobody\n", owner="wizara", group="wizara", mode="600"),
    "user removed": _without_user,
    "route removed": lambda _ground, _peer: network(extra="ip route del 10.99.0.0/24 dev adm"),
    "VPN key wrong": lambda _ground, _peer: tunnel(_STRANGER),
    "VPN peer address wrong": lambda _ground, peer: tunnel(peer, "10.99.0.77"),
    "MTU": lambda _ground, _peer: network(small=""),
    "address change": lambda _ground, _peer: network(
        extra=f"ip addr add 10.99.0.9/24 dev adm; ip addr del {ADDRESS}/24 dev adm"
    ),
    "sudoers broken": _file("/etc/sudoers.d/wizara", "wizara ALL=(ALL\n", mode="440"),
    "resolver": _file("/etc/resolv.conf", "nameserver 192.0.2.99\n"),
}
