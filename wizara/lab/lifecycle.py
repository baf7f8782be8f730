"""Raises a lab from a declared ministry, and finds one that is up."""

from __future__ import annotations

import json
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from wizara.errors import Refusal, Unfinished
from wizara.inventory.models import Ministry
from wizara.lab import cgroup, daemon, inotify, leftovers, namespace, network, population, reach, roots, seed, state
from wizara.lab.hosts import SWITCH_LOGIN
from wizara.lab.lab import Lab
from wizara.lab.process import run
from wizara.lab.rehearsal import Login, Outside, Rehearsal
from wizara.lab.wiring import INTERNET, Space, Wiring, wire
from wizara.text import _

#: Told of every step: what it concerns, and what is done.
Progress = Callable[[str, str], None]


def find(name: str, ministry: str | None = None) -> Lab:
    """Return the lab *name*; raise Refusal when it is not up, with the way to bring *ministry* up as it."""
    kept = state.load(name)
    if kept is None or not kept.complete or not namespace.of_lab(name):
        raise Refusal(
            _("lab {name} is not up").format(name=name),
            hint=_("wizara lab up {ministry} --name {name} brings it up").format(
                ministry=ministry or "MINISTRY", name=name
            ),
        )
    return Lab(kept)


def rise(ministry: Ministry, rehearsal: Rehearsal, name: str, progress: Progress) -> Lab:
    """Bring up *ministry* as the lab *name*; what a failure or an interruption left is cleared away."""
    if leftovers.remnants(name):
        raise Refusal(
            _("lab {name} is up, or something of it is left").format(name=name),
            hint=_("run wizara lab down --name {name}").format(name=name),
        )
    wiring = wire(ministry, rehearsal)
    suites = {node.release for _site, _name, node in ministry.nodes()}
    kinds = [*sorted(suites), *(["hosts"] if population.is_serving(rehearsal) else [])]
    trees = {kind: roots.ensure(kind, progress) for kind in kinds}
    try:
        return _rise(ministry, rehearsal, name, wiring, trees, progress)
    except BaseException:
        with _undisturbed():
            leftovers.clear(name)
        raise


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no second Ctrl-C interrupt the clearing away."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _rise(
    ministry: Ministry, rehearsal: Rehearsal, name: str, wiring: Wiring, trees: dict[str, Path], progress: Progress
) -> Lab:
    kept = _begin(ministry, rehearsal, name, wiring)
    progress(name, "networks")
    network.build(name, wiring, rehearsal.outside)
    processes = _open_world(name, wiring, rehearsal.outside)
    operator_key = (state.folder(name) / "operator_ed25519.pub").read_text().strip()
    for _site, node_name, node in ministry.nodes():
        progress(node_name, "boot")
        login = rehearsal.logins.get(node_name, Login(key=True))
        processes.append(
            launch(name, wiring.spaces[node_name], node.release, trees[node.release], login, rehearsal.outside, operator_key,
                   disc=node_name in rehearsal.cdrom)
        )  # fmt: skip
    if "hosts" in trees:
        progress(name, "hosts")
        processes += population.start(name, wiring, rehearsal, trees["hosts"])
    kept = kept.model_copy(update={"processes": tuple(processes)})
    state.save(kept)
    lab = Lab(kept)
    for node_name, machine in kept.machines.items():
        lab.wait_port("operator", machine.manage, 22)
        progress(node_name, "ready")
    _tell_credentials(name, rehearsal)
    lab = Lab(kept.model_copy(update={"complete": True}))
    state.save(lab.kept)
    return lab


def _tell_credentials(name: str, rehearsal: Rehearsal) -> None:
    """Write down how the lab's switches are read, with the host keys that they made themselves."""
    logins = {}
    for host, resident in rehearsal.population.items():
        if "switch" in resident.serves:
            key = state.folder(name) / "hosts" / "received" / host / "host_key.pub"
            deadline = time.monotonic() + 15
            while not (key.is_file() and key.read_text().strip()):
                if time.monotonic() > deadline:
                    raise Unfinished(_("{host} does not start").format(host=host), hint=str(key.parent))
                time.sleep(0.05)
            logins[host] = {**SWITCH_LOGIN, "host_key": " ".join(key.read_text().split()[:2])}
    path = state.folder(name) / "credentials.yaml"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(logins, width=1000))


def _begin(ministry: Ministry, rehearsal: Rehearsal, name: str, wiring: Wiring) -> state.Kept:
    """Make the state folder with the operator's identity, and write down all that is about to exist."""
    folder = state.folder(name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    machines = {
        node_name: state.KeptMachine(
            suite=node.release, manage=str(node.manage), user=rehearsal.logins.get(node_name, Login()).user
        )
        for _site, node_name, node in ministry.nodes()
    }
    kept = state.Kept(
        name=name, ministry=ministry.name, folder=str(Path(ministry.folder).resolve()), machines=machines, lans=wiring.lans,
        namespaces=tuple(namespace.named(name, place) for place in ("core", "internet", *wiring.spaces)),
        hosts=tuple(place for place in wiring.spaces if place not in machines),
        links={
            link.name: state.KeptLink(interface=link.interface, space=link.space, port=link.port)
            for link in wiring.links.values()
        },
    )  # fmt: skip
    state.save(kept)
    inotify.raise_limit()
    _make_operator(folder)
    return kept


def _make_operator(folder: Path) -> None:
    from pyrage import x25519  # noqa: PLC0415 - a compiled library that only a rise needs

    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / "operator_ed25519"])
    public = " ".join((folder / "operator_ed25519.pub").read_text().split()[:2])
    (folder / "operator_ed25519.pub").write_text(public + "\n")
    identity = x25519.Identity.generate()
    secret = folder / "identity.age"
    secret.touch(mode=0o600)
    secret.write_text(f"# public key: {identity.to_public()}\n{identity}\n")
    enrolled = {"operator_keys": [public], "recipients": [str(identity.to_public())]}
    (folder / "enrolled.yaml").write_text(yaml.safe_dump(enrolled, sort_keys=False, width=1000))


def _open_world(name: str, wiring: Wiring, outside: Outside) -> list[state.KeptProcess]:
    """Start the relays of the links, the package mirror and the resolver."""
    processes = []
    relayed = [(number, link) for number, link in enumerate(wiring.links.values()) if network.is_relayed(link)]
    for number, link in relayed:
        figures = link.figures
        words = [f"{figures.rtt}", f"{figures.loss}", f"{figures.rate or '-'}", f"{figures.seed}", f"{link.near.ip}"]
        command = daemon.python("relay", network.tunnel_device(number), *words)
        processes.append(daemon.start(name, f"relay-{link.name}", command, INTERNET))
    for number, link in relayed:
        _wait_device(name, network.tunnel_device(number))
        network.steer(name, link, number)
    network.order_rules(name)
    mirror = daemon.python("hosts.mirror", str(namespace.path(name, INTERNET)), str(outside.mirror))
    processes.append(daemon.start(name, "mirror", mirror))
    names = [f"{known}={address}" for known, address in outside.names.items()]
    resolver = daemon.python("hosts.resolver", str(outside.resolver), *names)
    processes.append(daemon.start(name, "resolver", resolver, INTERNET))
    return processes


def _wait_device(name: str, device: str) -> None:
    deadline = time.monotonic() + 15
    while not namespace.within(namespace.path(name, INTERNET), lambda: reach.has_device(device)):
        if time.monotonic() > deadline:
            raise Unfinished(_("relay {device} does not start").format(device=device))
        time.sleep(0.02)


def launch(
    lab: str,
    space: Space,
    suite: str,
    tree: Path,
    login: Login,
    outside: Outside | None,
    operator_key: str,
    *,
    disc: bool = False,
) -> state.KeptProcess:
    """Prepare the machine of *space* as a clone of *tree* and start it."""
    folder = state.folder(lab) / "machines" / space.name
    if folder.exists():
        shutil.rmtree(folder)
    for part in ("upper", "work", "root"):
        (folder / part).mkdir(parents=True)
    (folder / "upper").chmod(0o755)
    host_key = seed.lay(seed.Layer(folder / "upper", tree), space.name, suite, login, outside, operator_key, disc=disc)
    (folder / "host_key.pub").write_text(host_key + "\n")
    machine = {
        "group": cgroup.folder(lab), "name": space.name, "root": str(tree), "namespace": str(namespace.path(lab, space.name)),
        "wiring": space.commands(),
    }  # fmt: skip
    (folder / "machine.json").write_text(json.dumps(machine))
    return daemon.start(lab, space.name, daemon.python("launcher", str(folder / "machine.json")))
