"""The line to a host, against real OpenSSH servers: whatever a command does, its answer is its own, and the next one's too."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
from delay import Delay
from farm import PORT, Farm

from wizara.engine import line as line_module
from wizara.engine.carrier import NoWay, UnknownHostKey, Way, connect
from wizara.engine.line import Line
from wizara.engine.shell import Answer, Command, Cut

pytestmark = pytest.mark.lab
JOBS = Path("/run/wizara/jobs")


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """Three machines of the loopback."""
    with Farm(tmp_path_factory.mktemp("farm"), 3, port=PORT + 1) as made:
        yield made


def way(farm: Farm, number: int = 0, **settings: object) -> Way:
    values = {"address": farm.addresses[number], "user": "root", "pin": farm.host_key, "port": farm.port, "key_file": str(farm.key)}
    return Way(**{**values, **settings})  # type: ignore[arg-type]


@pytest.fixture
def line(farm: Farm) -> Iterator[Line]:
    """An open line."""
    made = Line(way(farm))
    yield made
    made.close()


def sh(script: str, *arguments: str, stdin: str | None = None, long: bool = False) -> Command:
    return Command(script, arguments, stdin, long=long)


def whole(script: str, stdin: str | None = None) -> Command:
    return Command(script, None, stdin)


HAZARDS = {
    "reads its input, and has none": (whole("cat; echo end"), Answer(0, b"end\n", b"")),
    "reads its input as a program": (sh('read -r word; echo "<$word>"'), Answer(0, b"<>\n", b"")),
    "is fed lines": (whole("cat", "one\ntwo 'x' $HOME `id`\n"), Answer(0, b"one\ntwo 'x' $HOME `id`\n", b"")),
    "is fed without a last line end": (whole("cat", "no end"), Answer(0, b"no end", b"")),
    "is fed what is no plain text": (whole("cat", "é\t\x01\x7f\n\0x"), Answer(0, "é\t\x01\x7f\n\0x".encode(), b"")),
    "is fed nothing": (whole("cat", ""), Answer(0, b"", b"")),
    "leaves most of its input": (whole("head -c 3", "abcdef\n" * 20000), Answer(0, b"abc", b"")),
    "exits": (sh("exit 7"), Answer(7, b"", b"")),
    "exits as a line": (whole("exit 9"), Answer(9, b"", b"")),
    "becomes another program": (sh("exec echo gone"), Answer(0, b"gone\n", b"")),
    "fails half way": (sh("set -eu; echo a; false; echo b"), Answer(1, b"a\n", b"")),
    "cleans up behind itself": (sh('trap "echo bye" EXIT; echo hi; exit 4'), Answer(4, b"hi\nbye\n", b"")),
    "is no shell": (sh("if then"), None),
    "is no shell line": (whole("fi ) ("), None),
    "does not exist": (whole("no-such-program-here"), None),
    "writes no line end": (sh("printf x; printf y >&2"), Answer(0, b"x", b"y")),
    "writes every byte": (sh('i=0; while [ $i -lt 256 ]; do printf "\\\\$(printf %o $i)"; i=$((i+1)); done'), Answer(0, bytes(range(256)), b"")),
    "writes no UTF-8": (sh(r"printf '\377\376\n'"), Answer(0, b"\xff\xfe\n", b"")),
    "writes much": (sh("head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2"), Answer(0, bytes(3000000), bytes(2000000))),
    "changes its shell": (sh("set -u; cd /tmp; umask 777; PATH=/nowhere; __t=x; T=y; set -f; alias cat=false"), Answer(0, b"", b"")),
    "closes its outputs": (sh("exec >&- 2>&-; exit 3"), Answer(3, b"", b"")),
    "kills itself": (sh('kill -9 "$(exec sh -c \'echo $PPID\')"'), Answer(137, b"", b"Killed\n")),
    "has hostile arguments": (sh('printf "%s|" "$@"', "a'b", "$(id)", "", "-n", "two\nlines"), Answer(0, b"a'b|$(id)||-n|two\nlines|", b"")),
}  # fmt: skip


@pytest.mark.parametrize("name", HAZARDS)
def test_a_command_that(line: Line, name: str) -> None:
    command, expected = HAZARDS[name]
    answer = line.act(command, 30)
    if expected is None:
        assert answer.code != 0
        assert answer.err
    else:
        assert answer == expected
    assert line.act(sh("pwd; umask; echo $PATH | grep -c bin; echo $-"), 30).out.split()[1:3] == [b"0022", b"1"]


def test_a_child_that_holds_the_outputs_blocks_nothing(line: Line) -> None:
    began = time.monotonic()
    assert line.act(sh("sleep 4 & echo started"), 30) == Answer(0, b"started\n", b"")
    assert line.act(whole("sleep 4 & exit 5"), 30).code == 5
    assert line.act(sh("echo next"), 30).out == b"next\n"
    assert time.monotonic() - began < 3


def test_a_hundred_questions_in_one_flight_each_get_their_own_answer(farm: Farm) -> None:
    with Delay(("127.1.1.240", PORT + 2), (farm.addresses[0], farm.port), 0.3) as far:
        line = Line(way(farm, address="127.1.1.240", port=PORT + 2))
        line.ahead = lambda: [sh("echo $1; echo $1 >&2", str(number)) for number in range(100)]
        began = time.monotonic()
        assert line.ask(sh("echo first")).out == b"first\n"
        answers = [line.ask(question) for question in line.ahead()]
        seconds = time.monotonic() - began
        line.close()
    assert [answer.out + answer.err for answer in answers] == [f"{number}\n{number}\n".encode() for number in range(100)]
    assert seconds < 8.5 * 0.3 + 1.0  # the seven round trips of a connection, one flight, and work
    assert far.count.connections == 1


def test_an_answer_holds_until_something_is_changed(line: Line, tmp_path: Path) -> None:
    count = sh('echo x >> "$1"; wc -l < "$1"', str(tmp_path / "asked"))
    assert [line.ask(count).out for _time in range(3)] == [b"1\n"] * 3
    line.aside(sh("true"))
    assert line.ask(count).out == b"1\n"
    line.act(sh("true"))
    assert line.ask(count).out == b"2\n"


def test_what_is_asked_ahead_is_asked_behind_the_change(line: Line, tmp_path: Path) -> None:
    path = tmp_path / "file"
    question = sh('cat "$1"', str(path))
    line.ahead = lambda: [question]
    line.act(sh('sleep 0.2; echo changed > "$1"', str(path)))
    time.sleep(1)  # it was sent behind the change, and needs the shell's turn
    path.write_text("later")
    assert line.ask(question).out == b"changed\n"


def _alive(mark: str) -> bool:
    found = subprocess.run(["pgrep", "-f", mark], capture_output=True, text=True, check=False).stdout.split()
    return any(int(pid) != os.getpid() for pid in found)


@pytest.mark.parametrize("script", ["sleep 98765", "sleep 98765 & wait", "trap '' TERM HUP; sleep 98765", "sh -c 'sleep 98765'"])
def test_a_time_out_kills_all_that_the_command_started_and_the_next_one_works(line: Line, script: str) -> None:
    assert line.ask(sh("echo before")).out == b"before\n"
    with pytest.raises(TimeoutError):
        line.act(sh(script), 0.6)
    for _try in range(20):
        if not _alive("sleep 98765"):
            break
        time.sleep(0.1)
    assert not _alive("sleep 98765")
    assert line.act(sh("echo after"), 10).out == b"after\n"


def test_a_shell_that_is_killed_fails_what_waits_and_is_replaced(line: Line) -> None:
    with pytest.raises(Cut):
        line.act(sh("kill -9 $$"), 10)
    assert line.act(sh("echo again"), 10).out == b"again\n"


def test_a_machine_that_hangs_up_fails_what_waits_and_is_met_again(farm: Farm) -> None:
    line = Line(way(farm))
    group = line.act(sh("ps -o ppid= -p $(ps -o ppid= -p $$)")).out.decode().strip()
    threading.Timer(0.5, os.kill, [int(group), signal.SIGKILL]).start()
    with pytest.raises(Cut):
        line.act(sh("sleep 20"), 30)
    time.sleep(0.5)
    assert line.act(sh("echo again"), 10).out == b"again\n"
    line.close()


def test_a_long_command_holds_up_no_question(line: Line) -> None:
    ended: list[float] = []
    job = threading.Thread(target=lambda: ended.append(line.act(sh("sleep 2; echo done", long=True)).code or time.monotonic()))
    job.start()
    time.sleep(0.7)
    assert line.aside(sh("echo meanwhile"), 1).out == b"meanwhile\n"
    assert not ended
    job.join(10)
    assert ended


def test_a_long_command_tells_its_output_status_and_input(line: Line) -> None:
    job = sh('cat; echo "$1"; echo err >&2; exit 3', "a'b c", stdin="fed\n", long=True)
    assert line.act(job) == Answer(3, b"fed\na'b c\n", b"err\n")
    assert not list(JOBS.glob("*"))


def test_a_long_command_outlives_a_cut_link_and_is_found_again(farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "_REATTACH_EVERY", 0.5)
    marks = tmp_path / "ran"
    with Delay(("127.1.1.241", PORT + 2), (farm.addresses[0], farm.port), 0.02) as link:
        line = Line(way(farm, address="127.1.1.241", port=PORT + 2))
        threading.Timer(1.5, link.cut).start()
        answer = line.act(sh('echo ran >> "$1"; sleep 4; echo end', str(marks), long=True))
        line.close()
    assert answer == Answer(0, b"end\n", b"")
    assert marks.read_text() == "ran\n"
    assert link.count.connections >= 2
    assert not list(JOBS.glob("*"))


def test_a_long_command_that_is_killed_is_told_and_leaves_nothing(line: Line) -> None:
    def kill() -> None:
        time.sleep(1)
        for folder in JOBS.glob("*"):
            os.killpg(int((folder / "pid").read_text()), signal.SIGKILL)

    threading.Thread(target=kill).start()
    answer = line.act(sh("sleep 30", long=True))
    assert answer.code == 137
    assert b"killed" in answer.err
    assert not list(JOBS.glob("*"))


def other_key(farm: Farm) -> str:
    return " ".join(farm.key.with_suffix(".pub").read_text().split()[:2])


def test_a_machine_with_another_key_is_refused_before_any_login(farm: Farm) -> None:
    before = farm.log()
    with pytest.raises(UnknownHostKey):
        connect(way(farm, pin=other_key(farm)))
    with pytest.raises(UnknownHostKey):
        connect(way(farm, pin="ssh-rsa AAAAB3NzaC1yc2E="))
    assert "publickey" not in farm.log()[len(before) :]


def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, farm: Farm, known: str) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / ".ssh").mkdir()
    lines = [
        f"Host {farm.addresses[0]}", "  ProxyJump bastion", "Host bastion", f"  HostName {farm.addresses[1]}", f"  Port {farm.port}",
        "  User root", "Host *", f"  IdentityFile {farm.key}",
    ]  # fmt: skip
    (tmp_path / ".ssh" / "config").write_text("\n".join(lines) + "\n")
    (tmp_path / ".ssh" / "known_hosts").write_text(f"[{farm.addresses[1]}]:{farm.port} {known}\n" if known else "")


def test_a_jump_host_that_the_operator_knows_is_gone_through(farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _home(tmp_path, monkeypatch, farm, farm.host_key)
    line = Line(way(farm, key_file=None))
    assert farm.addresses[1].encode() in line.ask(sh("echo $SSH_CONNECTION")).out or line.ask(sh("echo ok")).out == b"ok\n"
    line.close()


@pytest.mark.parametrize("known", ["", "other"])
def test_a_jump_host_that_is_unknown_or_another_gets_no_login(farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: str) -> None:
    _home(tmp_path, monkeypatch, farm, other_key(farm) if known else "")
    before = farm.log()
    with pytest.raises(UnknownHostKey):
        connect(way(farm, key_file=None))
    assert "publickey" not in farm.log()[len(before) :]


def test_the_machine_behind_a_jump_host_is_met_as_strictly(farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _home(tmp_path, monkeypatch, farm, farm.host_key)
    with pytest.raises(UnknownHostKey):
        connect(way(farm, key_file=None, pin=other_key(farm)))


def test_a_user_certificate_beside_the_key_lets_in(farm: Farm, tmp_path: Path) -> None:
    authority, key = tmp_path / "ca", tmp_path / "id"
    for path in (authority, key):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    with pytest.raises(NoWay):
        connect(way(farm, key_file=str(key)))
    subprocess.run(["ssh-keygen", "-q", "-s", str(authority), "-I", "engineer", "-n", "root", f"{key}.pub"], check=True)
    (farm.folder / "trusted").write_text(authority.with_suffix(".pub").read_text())
    connect(way(farm, key_file=str(key))).close()


def test_keys_of_an_agent_let_in(farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(place)], stdout=subprocess.DEVNULL)
    try:
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
        while not place.exists():
            time.sleep(0.05)
        with pytest.raises(NoWay):
            connect(way(farm, key_file=None))
        subprocess.run(["ssh-add", "-q", str(farm.key)], check=True)
        connect(way(farm, key_file=None)).close()
    finally:
        agent.terminate()
        agent.wait()


def test_a_machine_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch, farm: Farm) -> None:
    monkeypatch.setattr("wizara.engine.carrier._CONNECT_SECONDS", 1)
    with socket.create_server(("127.1.1.242", PORT + 2)), pytest.raises(NoWay):
        connect(way(farm, address="127.1.1.242", port=PORT + 2))
    with pytest.raises(NoWay):
        connect(way(farm, address="127.1.1.242", port=PORT + 2))
