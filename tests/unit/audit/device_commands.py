"""Devices that take the commands of a remedy into their configuration, each in the manner of its platform."""

from __future__ import annotations

import re

EXAMPLES = {
    "<vlan>": "20", "<vlans>": "20", "<unused-vlan>": "999", "<acl>": "10", "<log-server>": "10.20.99.5", "<time-server>": "10.20.99.6",
    "<admin-network>": "10.20.99.0/24", "<services>": "HTTPS", "<name>": "karim",
    "<other-vlans>": "1 to 19 21 to 29 31 to 4094",
}  # fmt: skip
#: Commands of which a device keeps one: the beginning that a new one takes the place of.
SINGLE = {
    "cisco_ios": (
        "transport input", "exec-timeout", "vtp mode", "ip ssh version", "ip ssh server algorithm encryption", "ip ssh server algorithm mac",
        "ip ssh server algorithm kex", "switchport mode", "switchport trunk native vlan", "switchport trunk allowed vlan", "switchport access vlan",
        "service timestamps log", "ip http tls-version", "security passwords min-length", "enable secret", "login",
    ),
    "huawei_vrp": (
        "protocol inbound", "authentication-mode", "idle-timeout", "port link-type", "port trunk pvid vlan", "port default vlan", "ssh server cipher",
        "ssh server hmac", "ssh server key-exchange", "super password", "ssl minimum version", "snmp-agent sys-info version", "local-aaa-user wrong-password",
    ),
}  # fmt: skip
SECTIONS = re.compile(r"(?:line|interface|router|ip access-list|user-interface|aaa$|acl|ssl policy|ospf|area) ?")


def filled(commands: list[str]) -> list[str]:
    """Put an example in each place that a person fills in."""
    return [re.sub(r"<[a-z-]+>", lambda found: EXAMPLES.get(found[0], "example"), line) for line in commands]


def apply(platform: str, lines: list[str], commands: list[str]) -> list[str]:
    """Return the configuration *lines* as they are after *commands*."""
    device = {"mikrotik_routeros": _routeros, "fortinet": _fortios}.get(platform)
    return device(lines, filled(commands)) if device else _indented(platform, lines, filled(commands))


def _indented(platform: str, lines: list[str], commands: list[str]) -> list[str]:
    out, path = _as_sections([line for line in lines if line not in {"end", "return"}]), list[str]()
    for command in commands:
        depth, text = len(command) - len(command.lstrip()), command.strip()
        if text == "quit":
            continue
        path = path[:depth]
        gone = re.match(r"no access-list (\d+)", text)
        if gone:
            out = _without_list(out, gone[1])
            continue
        if SECTIONS.match(text) and command in out:
            path.append(command)
            continue
        start, stop = _extent(out, path)
        out[start:stop] = _changed(platform, out[start:stop], " " * depth, text)
    return _as_lines(out)


def _as_sections(lines: list[str]) -> list[str]:
    """Write the numbered lists of IOS as it keeps them: a section each, so that ``no access-list 101 …`` hits all of it."""
    out: list[str] = []
    for line in lines:
        numbered = re.match(r"access-list (\d+) (.*)", line)
        if not numbered:
            out.append(line)
            continue
        heading = f"ip access-list extended {numbered[1]}"
        if heading not in out:
            out.append(heading)
        out.insert(_extent(out, [heading])[1], f" {numbered[2]}")
    return out


def _as_lines(lines: list[str]) -> list[str]:
    out, number = list[str](), ""
    for line in lines:
        heading = re.match(r"ip access-list extended (\d+)$", line)
        number = heading[1] if heading else number if line.startswith(" ") else ""
        if not heading:
            out.append(f"access-list {number}{line}" if number else line)
    return out


def _without_list(lines: list[str], number: str) -> list[str]:
    heading = f"ip access-list extended {number}"
    if heading not in lines:
        return lines
    start, stop = _extent(lines, [heading])
    return lines[: start - 1] + lines[stop:]


def _extent(lines: list[str], path: list[str]) -> tuple[int, int]:
    """The lines of the section at *path*, all of them for none."""
    start, stop = 0, len(lines)
    for heading in path:
        start = max(at for at in range(start, stop) if lines[at] == heading) + 1  # a banner may say the same before
        depth = len(heading) - len(heading.lstrip())
        stop = next((at for at in range(start, stop) if len(lines[at]) - len(lines[at].lstrip()) <= depth), stop)
    return start, stop


def _changed(platform: str, section: list[str], indent: str, text: str) -> list[str]:
    negation = "no " if platform == "cisco_ios" else "undo "
    taken = text.removeprefix(negation)
    negated = taken != text
    text = re.sub(r"^enable algorithm-type scrypt secret", "enable secret 9", text)
    closed = re.match(r"undo port trunk allow-pass vlan (.*)", text)
    if closed:
        return [_narrowed(line, indent + "port trunk allow-pass vlan ", _vlans(closed[1])) for line in section]
    user = re.match(r"username (\S+) (?:privilege \d+ )?algorithm-type scrypt secret (.*)", text) or re.match(
        r"local-user (\S+) password (.*)", text
    )
    if user:
        head = text.split(user[1])[0] + user[1] + " "
        text = f"username {user[1]} secret 9 {user[2]}" if text.startswith("username") else text
        section = [
            line for line in section if not re.match(re.escape(indent + head) + r"(?:.*(?:secret|password) )", line)
        ]
    if text.startswith("vtp mode") or taken != text:
        section = [line for line in section if not (line + " ").startswith(indent + taken + " ")]
    if taken == text:
        section = [line for line in section if line != f"{indent}{negation}{text}"]
    for single in SINGLE[platform]:
        if text.startswith(single):
            section = [
                line
                for line in section
                if not line.startswith(indent + single) and not line.startswith(f"{indent}{negation}{single}")
            ]
    undone = negated and not re.match(r"(?:no|undo) (?:ip |cdp |vstack|lldp|arp-proxy)", text)
    return section if undone else [*section, indent + text]


def _vlans(words: str) -> set[int]:
    spans = re.findall(r"(\d+)(?: to (\d+))?", words.replace("all", "1 to 4094"))
    return {one for first, last in spans for one in range(int(first), int(last or first) + 1)}


def _narrowed(line: str, head: str, closed: set[int]) -> str:
    """A trunk's line without the VLANs that are *closed*; any other line as it is."""
    if not line.startswith(head):
        return line
    return head + " ".join(map(str, sorted(_vlans(line.removeprefix(head)) - closed)))


def _routeros(lines: list[str], commands: list[str]) -> list[str]:
    from audits.devices.configuration import parse

    flat = [line.text for line in parse("mikrotik_routeros", lines).root.below]
    for command in commands:
        menu, verb, rest = re.split(r" (add|set) ", command, maxsplit=1)
        find = re.match(r"\[ find (\S+) \] (.*)", rest)
        item = re.match(r"([\w-]+) (\S+=.*)", rest)
        if verb == "add":
            flat.append(command)
            continue
        where, wanted = (find[1], find[2]) if find else (f"set {item[1]} ", item[2]) if item else ("set ", rest)
        hit = [
            at
            for at, line in enumerate(flat)
            if re.match(re.escape(menu) + " (?:add|set) ", line) and where in line.replace(menu, "", 1)
        ]
        for at in hit:
            for attribute in wanted.split():
                key = attribute.split("=")[0]
                flat[at] = re.sub(rf' {key}=(?:"[^"]*"|\S+)', "", flat[at]) + f" {attribute}"
        if not hit:
            flat.append(command)
    return flat


def _fortios(lines: list[str], commands: list[str]) -> list[str]:
    """Keep (path, name) → value, and write it all out again."""
    kept: dict[tuple[str, ...], dict[str, str]] = {}
    path: list[str] = []
    for line in [*lines, *commands]:
        text = line.strip()
        word, _space, rest = text.partition(" ")
        key = tuple(path)
        if word in {"config", "edit"}:
            path.append(text)
            kept.setdefault(tuple(path), {})
        elif word in {"end", "next"}:
            while path and not path.pop().startswith("config" if word == "end" else "edit"):
                pass
        elif word == "set":
            name, _space, value = rest.partition(" ")
            kept[key][name] = value
        elif word == "unset":
            kept[key].pop(rest, None)
        elif word == "unselect":
            name, _space, value = rest.partition(" ")
            kept[key][name] = " ".join(one for one in kept[key][name].split() if one != value)
        elif word == "rename":
            old, new = rest.split(" to ")
            kept = {
                tuple(f'edit "{new}"' if part in {f"edit {old}", f'edit "{old}"'} else part for part in one): value
                for one, value in kept.items()
            }
    return [line for one, values in kept.items() for line in _written(one, values)]


def _written(path: tuple[str, ...], values: dict[str, str]) -> list[str]:
    endings = ["end" if part.startswith("config") else "next" for part in reversed(path)]
    return [*path, *(f"set {name} {value}" for name, value in values.items()), *endings]
