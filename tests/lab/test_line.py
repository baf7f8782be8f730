"""The line to a host, against real OpenSSH servers: whatever a command does, its answer is its own, and the next one's too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from lines import PORT, Delay, Farm, sh, way, whole

from wizara.engine import line as line_module
from wizara.engine.line import Line
from wizara.engine.shell import Answer, Command, Cut

pytestmark = pytest.mark.lab
JOBS = Path("/run/wizara/jobs")


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """Three machines of the loopback."""
    with Farm(tmp_path_factory.mktemp("farm"), 3, port=PORT + 1) as made:
        yield made


@pytest.fixture
def line(farm: Farm) -> Iterator[Line]:
    """An open line."""
    made = Line(way(farm))
    yield made
    made.close()


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
    assert [answer.out + answer.err for answer in answers] == [
        f"{number}\n{number}\n".encode() for number in range(100)
    ]
    assert seconds < 8.5 * 0.3 + 5.0  # a connection, one flight, and work; a hundred turns would take 30 s
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


@pytest.mark.parametrize(
    "script", ["sleep 98765", "sleep 98765 & wait", "trap '' TERM HUP; sleep 98765", "sh -c 'sleep 98765'"]
)
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


def test_who_is_stopped_while_waiting_leaves_nothing_behind_that_the_next_would_wait_for(line: Line) -> None:
    class Stopped(Exception):
        pass

    def stop(_signal: int, _frame: object) -> None:
        raise Stopped

    assert line.ask(sh("echo before")).out == b"before\n"
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 1)
    try:
        with pytest.raises(Stopped):
            line.act(sh("sleep 98764"))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert line.aside(sh("echo after"), 10).out == b"after\n"
    for _try in range(30):
        if not _alive("sleep 98764"):
            break
        time.sleep(0.1)
    assert not _alive("sleep 98764")


def test_a_question_that_hangs_is_told_once_and_those_behind_it_are_answered(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_module, "QUESTION_SECONDS", 4.0)
    hung, behind = sh("sleep 98765"), sh("echo behind")
    assert not line.prepare(hung)
    assert not line.prepare(behind)
    line.settle()
    assert line.prepare(hung)
    assert not line.prepare(behind)
    line.settle()
    assert line.ask(behind).out == b"behind\n"
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        line.ask(hung)
    assert time.monotonic() - began < 0.5


def test_a_question_that_was_lost_with_its_link_is_asked_again(farm: Farm) -> None:
    with Delay(("127.1.1.243", PORT + 2), (farm.addresses[0], farm.port), 0.02) as link:
        line = Line(way(farm, address="127.1.1.243", port=PORT + 2))
        slow = sh("sleep 1; echo slept")
        assert not line.prepare(slow)
        time.sleep(0.6)
        link.cut()
        line.settle()
        assert not line.prepare(slow)
        assert line.ask(slow).out == b"slept\n"
        line.close()
    assert link.count.connections == 2


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
    job = threading.Thread(
        target=lambda: ended.append(line.act(sh("sleep 8; echo done", long=True)).code or time.monotonic())
    )
    job.start()
    time.sleep(0.7)
    assert line.aside(sh("echo meanwhile"), 6).out == b"meanwhile\n"
    assert not ended
    job.join(30)
    assert ended


def jobs() -> set[Path]:
    """Return the folders of all jobs of this computer."""
    return set(JOBS.glob("*"))


@pytest.fixture
def others() -> set[Path]:
    """Return the jobs that somebody else has left: a machine that is met no more cannot be tidied up."""
    return jobs()


def test_a_long_command_tells_its_output_status_and_input(line: Line, others: set[Path]) -> None:
    job = sh('cat; echo "$1"; echo err >&2; exit 3', "a'b c", stdin="fed\n", long=True)
    assert line.act(job) == Answer(3, b"fed\na'b c\n", b"err\n")
    assert not jobs() - others


def test_a_long_command_outlives_a_cut_link_and_is_found_again(
    farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: set[Path]
) -> None:
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
    assert not jobs() - others


def test_a_long_command_that_is_killed_is_told_and_leaves_nothing(line: Line, others: set[Path]) -> None:
    def kill() -> None:
        while not [folder for folder in jobs() - others if (folder / "err").exists()]:
            time.sleep(0.1)
        for folder in jobs() - others:
            if Path("/run/systemd/system").is_dir():
                subprocess.run(["systemctl", "kill", "--signal=KILL", f"wizara-job-{folder.name}"], check=True)
            else:
                os.killpg(int((folder / "pid").read_text()), signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()
    answer = line.act(sh("sleep 30", long=True))
    assert answer.code == 137
    assert b"killed" in answer.err
    assert not jobs() - others


#: Engineers of a machine of their own, by an /etc that only these servers see: one whom sudo trusts, one whom it asks.
ENGINEERS = """
mkdir -p /srv/bench/up /srv/bench/work; cp $FARM/authorized_keys /srv/bench/keys; chmod 644 /srv/bench/keys
mount -t overlay overlay -o lowerdir=/etc,upperdir=/srv/bench/up,workdir=/srv/bench/work /etc
for name in trusted asked; do useradd -M -d / -s /bin/sh $name; echo "$name:correct $(echo horse)" | chpasswd; done
mkdir -p /etc/sudoers.d; chmod 755 /etc/sudoers.d
printf 'trusted ALL=(ALL:ALL) NOPASSWD: ALL\nasked ALL=(ALL:ALL) PASSWD: ALL\n' > /etc/sudoers.d/bench; chmod 440 /etc/sudoers.d/bench
"""


@pytest.fixture(scope="module")
def engineers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """A machine with engineers who are not root."""
    with Farm(tmp_path_factory.mktemp("engineers"), 1, port=PORT + 5, private=True, prepare=ENGINEERS) as made:
        yield made


def test_root_is_had_by_one_sudo_and_others_as_well(engineers: Farm) -> None:
    line = Line(way(engineers, user="trusted"))
    assert [line.ask(sh("id -un; echo $1", str(number))).out for number in range(3)] == [
        f"root\n{number}\n".encode() for number in range(3)
    ]
    assert line.ask(Command("id -un", (), privilege="games")).out == b"games\n"
    assert line.ask(Command("id -un", (), privilege="")).out == b"trusted\n"
    line.close()


def test_sudo_that_asks_and_gets_nothing_is_told(engineers: Farm) -> None:
    line = Line(way(engineers, user="asked"))
    with pytest.raises(Cut, match="password"):
        line.ask(sh("id"))
    line.close()


@pytest.mark.parametrize("user", ["asked", "trusted"])
def test_sudo_gets_its_password_by_input_and_no_process_shows_it(engineers: Farm, user: str) -> None:
    line = Line(way(engineers, user=user), lambda: "correct horse")
    shown = line.ask(
        sh(
            "id -un; grep -la 'correct[ ]horse' /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | grep -v self; cat; echo $#"
        )
    )
    line.close()
    assert shown == Answer(0, b"root\n0\n", b"")


def test_a_wrong_sudo_password_is_told_and_runs_nothing(engineers: Farm) -> None:
    line = Line(way(engineers, user="asked"), lambda: "touch /srv/bench/harm")
    with pytest.raises(Cut):
        line.ask(sh("id"), 20)
    line.close()
    line = Line(way(engineers, user="trusted"))
    assert line.ask(sh("ls /srv/bench")).out.split() == [b"keys", b"up", b"work"]
    line.close()
