"""Commands that take minutes: they run apart from the connection, outlive it, and are found again by the next one."""

from __future__ import annotations

import secrets
from dataclasses import replace

from wizara.engine.shell import Command

# The job's folder holds its program, output and status; whoever comes with the same id waits for the one that runs. Where systemd
# is, the job is a unit of its own, which the end of an SSH session does not touch. A job that vanished without a status was killed;
# one whose answer nobody fetches clears up behind itself after ten minutes.
_JOB = r"""
set -u
umask 077
id=$1 script=$2; shift 2
folder=/run/wizara/jobs/$id unit=wizara-job-$id
state() { systemctl show -P ActiveState "$unit" 2>/dev/null; }
runs() {
  # Only a plain word counts: a systemd that executes itself anew, as installations make it, refuses to answer meanwhile.
  if [ -d /run/systemd/system ]; then case "$(state)" in inactive | failed) return 1 ;; esac
  else kill -0 "$(cat "$folder/pid" 2>/dev/null)" 2>/dev/null; fi
}
mkdir -p /run/wizara/jobs
if [ -d "$folder" ] && ! runs && [ ! -e "$folder/status" ]; then rm -rf "$folder"; fi
if mkdir "$folder" 2>/dev/null; then
  printf %s "$script" > "$folder/script"
  cat > "$folder/in"
  run='cd /; sh "$0/script" "$@" <"$0/in" >"$0/out" 2>"$0/err"; echo $? >"$0/.status"; mv "$0/.status" "$0/status"
i=0; while [ -d "$0" ] && [ $i -lt 600 ]; do sleep 1; i=$((i+1)); done; rm -rf "$0"'
  if [ -d /run/systemd/system ]; then
    tries=0
    until systemd-run --quiet --collect --unit="$unit" sh -c "$run" "$folder" "$@" >&2; do
      sleep 0.5; tries=$((tries+1))
      case "$(state)" in active | activating) break ;; esac
      [ ! -e "$folder/status" ] || break
      [ $tries -lt 20 ] || { rm -rf "$folder"; exit 71; }
    done
  else
    setsid sh -c 'echo $$ >"$1/pid"; shift; exec sh -c "$@"' wizara "$folder" "$run" "$folder" "$@" >/dev/null 2>&1 &
    while [ ! -e "$folder/pid" ]; do sleep 0.05; done
  fi
fi
while [ ! -e "$folder/status" ]; do
  # In this order: a job that ended between the two questions has left its status.
  if ! runs && [ ! -e "$folder/status" ]; then
    echo "it was killed before its end" >&2; cat "$folder/err" >&2; exit 137
  fi
  sleep 0.2
done
cat "$folder/out"; cat "$folder/err" >&2
exit "$(cat "$folder/status")"
"""


# Whoever waits over a link that was cut goes on waiting: so only he who has the answer clears up.
_CLEAR = 'rm -rf "/run/wizara/jobs/$1"'
_TIDY = 'for status in /run/wizara/jobs/*/status; do [ ! -e "$status" ] || rm -rf "${status%/*}"; done'
#: Takes away what jobs of runs that died have left. Whoever sends it holds the lock of the site, so that nobody waits for them.
TIDY = Command(_TIDY, ())


def clearing(job: Command) -> Command:
    """Return what clears up behind *job*, once its answer is here."""
    return replace(job, script=_CLEAR, arguments=(job.arguments or ("",))[:1], stdin=None)


def apart(command: Command) -> Command:
    """Return what runs *command* apart, waits for its end, and may be asked again after the link was cut."""
    arguments = command.arguments if command.arguments is not None else ()
    return replace(
        command, script=_JOB, arguments=(secrets.token_hex(8), command.script, *arguments), stdin=command.stdin or ""
    )
