"""The line to one host: its connection, its shells, what it has answered already, and what is asked ahead."""

from __future__ import annotations

import contextlib
import shlex
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLong

from wizara.engine.carrier import Carrier, NoWay, UnknownHostKey, Way, soon
from wizara.engine.fence import LATE, OVER, SECONDS, Fence, Lease
from wizara.engine.jobs import apart, clearing
from wizara.engine.shell import Answer, Command, Cut, Shell
from wizara.errors import Unfinished
from wizara.text import _

#: A question that is not answered by then is given up, and what it started is killed.
QUESTION_SECONDS = 120.0
#: Answers are not believed for longer when an apply begins.
STALE_SECONDS = 120.0
#: For how long a job that outlived its link is looked for, and how often.
_REATTACH_SECONDS, _REATTACH_EVERY = 600.0, 5.0
_CLEAR_SECONDS = 15.0
_KILL = 'kill -9 "-$1"'


class Line:
    """Questions are answered once; a command that changes something makes all answers void."""

    def __init__(self, way: Way, sudo_password: Callable[[], str] | None = None) -> None:
        """*sudo_password* gives what sudo asks for; None means it asks for nothing."""
        self._way, self._password = way, sudo_password
        self._carrier: Future[Carrier] | None = None
        self._shells: dict[tuple[str, bool], Shell] = {}
        self._known: dict[Command, Future[Answer]] = {}
        self._since = time.monotonic()
        self.ahead: Callable[[], Iterable[Command]] = tuple
        """What is asked behind each change, in the same flight."""
        self.lease: Lease | None = None
        """Says until when this end may change something there; None: for ever."""
        self.change = ""
        """The open change of the way to the host: what is done goes into it, or is not done."""

    def open(self) -> None:
        """Wait for the connection; UnknownHostKey or NoWay when there is none."""
        self.begin().result()

    def begin(self) -> Future[Carrier]:
        """Begin to connect, unless that was begun already; anew when the connection has died."""
        old = self._carrier
        if old and old.done() and not old.exception() and not old.result().alive:
            self._carrier = None
        if self._carrier is None:
            self._carrier = soon(self._way)
        return self._carrier

    def close(self) -> None:
        """Hang up."""
        self._drop(Cut("closed"))

    def ask(self, question: Command, seconds: float | None = None) -> Answer:
        """Return the answer to *question*, which changes nothing on the host; one that was lost with its link is asked anew."""
        future = self._known.get(question)
        if future is None or _is_lost(future):
            future = self._question(question)
            self._look_ahead()
        return self._wait(future, question, seconds or QUESTION_SECONDS)

    def prepare(self, question: Command) -> bool:
        """Send *question* unless it was sent already, and tell whether its answer is there."""
        future = self._known.get(question)
        if future is None or _is_lost(future):
            future = self._question(question)
        return future.done()

    def settle(self) -> None:
        """Wait until all that was sent is answered, or given up."""
        for question, future in list(self._known.items()):
            with contextlib.suppress(Exception):
                self._wait(future, question, QUESTION_SECONDS)

    def act(self, command: Command, seconds: float | None = None) -> Answer:
        """Run *command*, after which nothing that was answered holds any more."""
        if command.long:
            job = apart(command)
            self.forget()
            answer = self._fenced(job, self.change, lambda fence: self._outlive(job, fence))
            self.forget()
            return answer

        def run(fence: Fence | None) -> Answer:
            self.forget()  # also what was asked behind one that the node refused
            future = self._shell(command).submit(command, fence)
            self._look_ahead()
            return self._wait(future, command, seconds)

        return self._fenced(command, self.change, run)

    def aside(self, command: Command, seconds: float | None = None) -> Answer:
        """Run *command*, which changes nothing that is ever asked for."""
        return self._fenced(
            command, "", lambda fence: self._wait(self._shell(command).submit(command, fence), command, seconds)
        )

    def beneath(self, command: Command) -> None:
        """Run *command*, which changes nothing that is ever asked for, and wait for nothing; nothing, once the lease is lost."""
        with contextlib.suppress(Unfinished):
            fence = Fence(self.lease(0) + SECONDS) if self.lease else None
            self._shell(command).submit(command, fence)

    def forget(self) -> None:
        """Take no earlier answer for true any more."""
        self._known.clear()
        self._since = time.monotonic()

    def forget_stale(self) -> None:
        """Take no old answer for true any more."""
        if time.monotonic() - self._since > STALE_SECONDS:
            self.forget()

    def _fenced(self, command: Command, change: str, run: Callable[[Fence | None], Answer]) -> Answer:
        """Have *run* run *command*, which the node refuses once it is too late for it; again while the lease is renewed."""
        renewed = 0.0
        while True:
            if self.lease is None and not change:
                return run(None)
            until = None
            if self.lease:
                renewed = self.lease(renewed)
                until = renewed + SECONDS
                with contextlib.suppress(OSError, NoWay):  # a job that outlives its link is begun over the next one
                    self._shell(command).began.result()
            answer = run(Fence(until, change))
            if answer.code == OVER:
                raise Unfinished(_("nothing more was done here: the node has ended the change"))
            if answer.code != LATE:
                return answer

    def _question(self, question: Command) -> Future[Answer]:
        if not self._known:
            self._since = time.monotonic()
        future = self._known[question] = self._shell(question).submit(question)
        return future

    def _look_ahead(self) -> None:
        for question in self.ahead():
            if question not in self._known:
                self._question(question)

    def _wait(self, future: Future[Answer], command: Command, seconds: float | None) -> Answer:
        try:
            return future.result(seconds)
        except TooLong:
            self._kill(command)
            words = _("no answer within {seconds} seconds; it was killed")
            fault = TimeoutError(words.format(seconds=f"{seconds:g}"))
            if command in self._known:  # it would hang again
                self._known[command] = Future()
                self._known[command].set_exception(fault)
            raise fault from None
        except BaseException:
            # Whoever waited is stopped from outside: nothing may wait behind what still hangs there.
            if not future.done():
                shell = self._shells.pop((command.privilege, command.long), None)
                threading.Thread(target=self._kill_shell, args=(shell, command), daemon=True).start()
            raise

    def _kill(self, command: Command) -> None:
        """Kill the shell that *command* hangs in, with all that it started; the next command gets a new one."""
        self._kill_shell(self._shells.pop((command.privilege, command.long), None), command)

    def _kill_shell(self, shell: Shell | None, command: Command) -> None:
        if shell is None:
            return
        if shell.began.done() and shell.alive:
            murder = Command(_KILL, (str(shell.began.result().code),), privilege=command.privilege)
            other = self._new_shell(murder)
            try:
                other.submit(murder).result(15)
            except (OSError, TooLong):
                self._drop(Cut(_("the connection hangs")))
            other.fail(Cut("closed"))
        shell.fail(Cut(_("it was killed after a time-out")))

    def _outlive(self, job: Command, fence: Fence | None) -> Answer:
        """Run *job* to its end, over as many connections as that takes."""
        until = time.monotonic() + _REATTACH_SECONDS
        while True:
            try:
                answer = self._shell(job).submit(job, fence).result()
            except (Cut, NoWay):
                if time.monotonic() > until:
                    raise
                self._drop(Cut(_("the connection was cut")))
                time.sleep(_REATTACH_EVERY)
                continue
            if answer.code in {LATE, OVER}:
                return answer
            with contextlib.suppress(OSError, NoWay, TooLong):  # else it clears up behind itself
                self._shell(job).submit(clearing(job)).result(_CLEAR_SECONDS)
            return answer

    def _drop(self, fault: Exception) -> None:
        """Give the connection up; the next command opens a new one."""
        shells, self._shells = self._shells, {}
        carrier, self._carrier = self._carrier, None
        self._known.clear()
        for shell in shells.values():
            shell.fail(fault)
        if carrier and carrier.done() and not carrier.exception():
            carrier.result().close()

    def _shell(self, command: Command) -> Shell:
        key = (command.privilege, command.long)
        shell = self._shells.get(key)
        if shell is None or not shell.alive:
            # Kept before it is begun, which gives others a turn: they must find it, and not begin another.
            shell = self._shells[key] = Shell()
            self._begin_shell(shell, command)
        return shell

    def _new_shell(self, command: Command) -> Shell:
        shell = Shell()
        self._begin_shell(shell, command)
        return shell

    def _begin_shell(self, shell: Shell, command: Command) -> None:
        self.begin().add_done_callback(
            lambda carrier: threading.Thread(
                target=self._start, args=(shell, carrier, command.privilege), daemon=True
            ).start()
        )

    def _start(self, shell: Shell, carrier: Future[Carrier], privilege: str) -> None:
        try:
            password = self._password() if self._password and privilege and privilege != self._way.user else None
            channel = carrier.result().channel(_opening(privilege, self._way.user, asks=password is not None))
            if password is not None:
                channel.sendall(f"{password}\n".encode())
            shell.attach(channel)
        except Exception as fault:  # noqa: BLE001 - whoever waits is told
            shell.fail(fault if isinstance(fault, (NoWay, Cut, UnknownHostKey)) else _told(fault))


def _is_lost(future: Future[Answer]) -> bool:
    """Tell whether the answer was cut off with the connection or the shell."""
    return future.done() and isinstance(future.exception(), Cut)


def _told(fault: Exception) -> Exception:
    return Cut(str(fault) or type(fault).__name__) if not isinstance(fault, OSError) else fault


def _opening(privilege: str, user: str, *, asks: bool) -> str:
    """Return the command line of a shell with *privilege*: a session of its own, so that it can be killed whole."""
    if privilege in {"", user}:
        return "exec setsid -w sh"
    name = f"-u {shlex.quote(privilege)} " if privilege != "root" else ""
    if not asks:
        return f"exec sudo -n -H {name}setsid -w sh"
    # The first line is the password: sudo reads just that one, and where it does not ask it must not reach the shell as a command.
    return (
        'exec sh -c \'if sudo -n true 2>/dev/null; then IFS= read -r p; p=; exec sudo -n -H "$@" setsid -w sh; fi; '
        'exec sudo -k -S -p "" -H "$@" setsid -w sh\' wizara ' + name
    ).rstrip()
