"""A used server is adopted: what lives there is named, nothing ends without somebody's word, originals can be put back."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable

import pytest
from houses import ADDRESS, NODE, House

from wizara.engine.reach import dial
from wizara.errors import Unreachable

pytestmark = [pytest.mark.lab, pytest.mark.slow]

USED = """
export DEBIAN_FRONTEND=noninteractive
apt-get -q update && apt-get -q -y --no-install-recommends install postgresql exim4-daemon-light ufw nginx-light
for folder in /etc/postgresql/*/main/conf.d; do echo "listen_addresses = '*'" > "$folder/all.conf"; done
sed -i "s/^dc_local_interfaces=.*/dc_local_interfaces=''/" /etc/exim4/update-exim4.conf.conf
printf 'server { listen 8080; location / { return 200 "by hand\\n"; } }\\n' > /etc/nginx/sites-enabled/by-hand
echo '# by hand' >> /etc/nftables.conf
systemctl restart postgresql exim4 nginx
for port in 22 25 5432 8080; do ufw allow $port/tcp; done
ufw --force enable
"""
STATE = """
find /etc /home /root /usr/local /var/lib/wizara /var/lib/dpkg/info -type f -print0 2>/dev/null | sort -z | xargs -0 sha256sum
systemctl list-units --type=service --state=active --no-legend --plain | awk '{print $1}' | grep -v '^user@'
nft list ruleset | sed 's/counter packets [0-9]* bytes [0-9]*//'
ss -Htln | awk '{print $4}' | sort
"""


def door(house: House, port: int) -> socket.socket:
    return dial(ADDRESS, port, house.lab.world().namespace)


def answers(house: House, port: int) -> bool:
    with contextlib.suppress(Unreachable):
        door(house, port).close()
        return True
    return False


@pytest.fixture
def used(house: Callable[..., House]) -> House:
    made = house("trixie", {"user": "root", "key": True})
    made.sh(USED.replace("apt-get -q update", "grep -q 203 /etc/apt/sources.list && apt-get -q update"), timeout=280)
    assert made.wizara("enrol").returncode == 0
    return made


def test_nothing_of_a_used_server_ends_without_an_accept(used: House) -> None:
    talking = door(used, 8080)
    before = used.sh(STATE)
    plan = used.result("plan")["nodes"][0]
    named = {(item["kind"], item["subject"]): item for item in plan["standing"]}
    assert {("socket", "tcp/5432"), ("socket", "tcp/25"), ("socket", "tcp/8080"), ("peer", "tcp/8080"), ("conflict", "ufw"),
            ("conflict", "firewall"), ("file", "/etc/nftables.conf")} <= set(named)  # fmt: skip
    assert "postgres" in named["socket", "tcp/5432"]["detail"]
    assert "exim4" in named["socket", "tcp/25"]["detail"]
    assert named["file", "/etc/nftables.conf"]["asks"]

    done = used.wizara("apply", "--yes")
    assert done.returncode == 6, done.stdout + done.stderr
    assert all(subject in done.stdout for _kind, subject in named if subject != "/etc/resolv.conf"), done.stdout
    part = used.wizara("apply", "--yes", "--accept-closing", "tcp/25,tcp/80,tcp/8080,ufw,firewall,/etc/nftables.conf")
    assert part.returncode == 6
    assert "tcp/5432" in part.stdout
    assert used.sh(STATE) == before
    assert [port for port in (22, 25, 5432, 8080) if answers(used, port)] == [22, 25, 5432, 8080]
    talking.sendall(b"GET / HTTP/1.0\r\n\r\n")
    assert b"by hand" in talking.recv(4096)

    used.change(services=["tcp/5432", "tcp/8080"])
    done = used.wizara("apply", "--yes", "--accept-closing", "tcp/25,tcp/80,ufw,firewall,/etc/nftables.conf")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [port for port in (22, 25, 5432, 8080) if answers(used, port)] == [22, 5432, 8080]
    assert used.lab.exec(NODE, ["systemctl", "is-active", "ufw"]).stdout.strip() == "inactive"
    assert used.result("plan")["exit_code"] == 0

    kept = used.wizara("restore-original", NODE)
    assert "/etc/nftables.conf  the original is kept" in kept.stdout
    hand = used.sh("sha256sum < /etc/nginx/sites-enabled/by-hand")
    back = used.wizara("restore-original", NODE, "/etc/nftables.conf", "--yes")
    assert back.stdout == "machine: /etc/nftables.conf: put back as it was\n", back.stderr
    assert used.sh("tail -n 1 /etc/nftables.conf") == "# by hand\n"
    assert used.sh("sha256sum < /etc/nginx/sites-enabled/by-hand") == hand


def test_an_original_comes_back_with_owner_and_mode_and_what_was_not_there_goes(house: Callable[..., House]) -> None:
    made = house("bookworm")
    made.sh("echo old > /etc/resolv.conf.new; chown sync:games /etc/resolv.conf.new; chmod 4640 /etc/resolv.conf.new;"
            " sed -n p /etc/resolv.conf >> /etc/resolv.conf.new; mv /etc/resolv.conf.new /etc/resolv.conf")  # fmt: skip
    about = "stat -c '%U %G %a %s' /etc/resolv.conf; sha256sum /etc/resolv.conf"
    before = made.sh(about)
    assert made.wizara("enrol").returncode == 0
    assert made.wizara("restore-original", NODE).stdout == ""
    assert made.wizara("apply", "--yes").returncode == 0
    assert made.sh(about) != before

    assert made.wizara("restore-original", NODE, "/etc/resolv.conf", "--yes").returncode == 0
    assert made.sh(about) == before
    assert "nothing changed" in made.wizara("restore-original", NODE, "/etc/resolv.conf", "--yes").stdout
    gone = made.wizara("restore-original", NODE, "/etc/sysctl.d/60-wizara.conf", "--yes")
    assert "removed" in gone.stdout
    assert made.sh("ls /etc/sysctl.d/60-wizara.conf 2>/dev/null || echo gone").strip() == "gone"
    assert made.wizara("apply", "--yes").returncode == 0, "the declared content is written again"
    assert made.wizara("restore-original", NODE, "/etc/resolv.conf", "--yes").returncode == 0
    assert made.sh(about) == before

    foreign = made.wizara("restore-original", NODE, "/etc/passwd", "--yes")
    assert foreign.returncode == 6
    assert "never replaced /etc/passwd" in foreign.stderr
    assert made.wizara("restore-original", NODE, "/etc/resolv.conf").returncode == 2
    assert made.wizara("restore-original", "elsewhere", "--yes").returncode == 2
