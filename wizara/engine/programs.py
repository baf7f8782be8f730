"""The fixed shell programs of a first meeting; each may be cut short anywhere, and be run again."""

from __future__ import annotations

LOOK = r"""
PATH=$PATH:/usr/sbin:/sbin
. /etc/os-release; echo "release ${VERSION_CODENAME:-?}"
echo "clock $(date +%s)"
echo "free $(df -kP /var | awk 'NR==2 {print $4}')"
echo "uid $(id -u)"
echo "session $(echo "$SSH_CONNECTION" | cut -d' ' -f3)"
for device in /sys/class/net/*; do
  # What lies on another interface (VLAN, bridge, bond) shares its address and is not the card.
  ls -d "$device"/lower_* >/dev/null 2>&1 && continue
  name=${device##*/}
  own=$(ip -o -4 address show dev "$name" | awk '{sub("/.*", "", $4); print $4}' | paste -sd,)
  echo "nic $name $(cat "$device/address" 2>/dev/null) $own"
done
if systemctl is-active --quiet systemd-networkd; then echo "network networkd"
elif command -v ifup >/dev/null && [ -e /etc/network/interfaces ]; then echo "network ifupdown"; fi
grep -hsE '^(deb |URIs:)' /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources | grep -vq cdrom: \
  && echo "sources usable"
command -v sudo >/dev/null || echo "sudo absent"
if [ "$(id -u)" != 0 ]; then sudo -k -n true 2>/dev/null && echo "sudo free"; fi
true
"""

# A source on a CD that is no longer in the drive stops every installation; what stood there is kept beside it.
MEND_APT = r"""
set -eu
release=$1 mirror=$2 security=$3 proxy=$4
list=/etc/apt/sources.list
mend() { # FILE AWK-PROGRAM
  [ -e "$1.before-wizara" ] || cp -a "$1" "$1.before-wizara"
  awk "$2" "$1" > "$1.new"; chmod 644 "$1.new"; mv "$1.new" "$1"; echo mended
}
for file in $list /etc/apt/sources.list.d/*.list; do
  grep -qsE '^deb(-src)? .*cdrom:' "$file" || continue
  mend "$file" '/^deb(-src)? .*cdrom:/ {print "# " $0; next} {print}'
done
for file in /etc/apt/sources.list.d/*.sources; do
  grep -qsE '^URIs:.*cdrom:' "$file" || continue
  mend "$file" 'BEGIN {RS=""; ORS="\n\n"} /(^|\n)URIs:[^\n]*cdrom:/ {gsub(/(^|\n)/, "&# ")} {print}'
done
if ! grep -hsE '^(deb |URIs:)' $list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources | grep -q .; then
  [ ! -e $list ] || [ -e $list.before-wizara ] || cp -a $list $list.before-wizara
  { echo "# written by wizara at enrolment; what stood here before is in sources.list.before-wizara"
    echo "deb $mirror $release main"; echo "deb $mirror $release-updates main"; echo "deb $security $release-security main"; } > $list.new
  chmod 644 $list.new; mv $list.new $list
  echo mended
fi
conf=/etc/apt/apt.conf.d/60wizara-proxy
if [ -n "$proxy" ] && ! grep -qsF "\"$proxy\"" $conf; then echo "Acquire::http::Proxy \"$proxy\";" > $conf; echo mended; fi
true
"""

# An installer that was given a password for root leaves sudo out.
SUDO = r"""
set -eu
export DEBIAN_FRONTEND=noninteractive
command -v visudo >/dev/null && exit 0
wait="-o DPkg::Lock::Timeout=300 -o Acquire::http::Timeout=30"
left=$(dpkg --audit 2>/dev/null; find /var/lib/dpkg/updates -name '[0-9]*' 2>/dev/null)
if [ -n "$left" ]; then dpkg --force-confdef --force-confold --configure -a >&2; fi
apt-get -q $wait update >&2
apt-get -q -y $wait --no-install-recommends install sudo >&2
echo changed
"""

# The keys come last: who can log in can then also become root.
ACCOUNT = r"""
set -eu
umask 077
login=$1
keys=$(cat)
changed=
id "$login" >/dev/null 2>&1 || { useradd --create-home --shell /bin/bash --comment "wizara provisioning" "$login"; changed=y; }
rule="$login ALL=(ALL:ALL) NOPASSWD: ALL"
if [ "$(cat /etc/sudoers.d/wizara 2>/dev/null)" != "$rule" ]; then
  printf '%s\n' "$rule" > /etc/sudoers.d/.wizara.new; chmod 440 /etc/sudoers.d/.wizara.new
  visudo -cqf /etc/sudoers.d/.wizara.new
  mv /etc/sudoers.d/.wizara.new /etc/sudoers.d/wizara; changed=y
fi
home=$(getent passwd "$login" | cut -d: -f6)
mkdir -p "$home/.ssh"
if [ "$(cat "$home/.ssh/authorized_keys" 2>/dev/null)" != "$keys" ]; then
  printf '%s\n' "$keys" > "$home/.ssh/.new"; mv "$home/.ssh/.new" "$home/.ssh/authorized_keys"; changed=y
fi
chown -R "$login:" "$home/.ssh"
[ -z "$changed" ] || echo changed
"""

NETWORKD = r"""
set -eu
file=/etc/systemd/network/20-wizara-$1.network
{ printf '[Match]\nMACAddress=%s\n\n[Network]\nAddress=%s\n' "$3" "$4"; [ -z "$5" ] || printf 'Gateway=%s\n' "$5"; } > "$file.new"
chmod 644 "$file.new"; mv "$file.new" "$file"
networkctl reload
i=0
until ip -o -4 address show dev "$2" | grep -qF " $4 "; do
  i=$((i+1)); [ $i -lt 40 ] || { echo "$2 does not take the address $4" >&2; exit 1; }; sleep 0.25
done
"""

IFUPDOWN = r"""
set -eu
PATH=$PATH:/usr/sbin:/sbin
all=/etc/network/interfaces
grep -qsE '^source(-directory)? .*interfaces\.d' $all || echo 'source /etc/network/interfaces.d/*' >> $all
mkdir -p /etc/network/interfaces.d
file=/etc/network/interfaces.d/wizara-$1
{ printf 'auto %s\niface %s inet static\n\taddress %s\n' "$2" "$2" "$4"; [ -z "$5" ] || printf '\tgateway %s\n' "$5"; } > "$file.new"
chmod 644 "$file.new"; mv "$file.new" "$file"
ifup --force "$2" >&2
"""

TUNNEL_KEY = r"""
set -eu
umask 077
export DEBIAN_FRONTEND=noninteractive
if ! command -v wg >/dev/null; then
  apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::http::Timeout=30 update >&2
  apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::http::Timeout=30 --no-install-recommends install wireguard-tools >&2
fi
mkdir -p /etc/wireguard; chmod 700 /etc/wireguard
key=/etc/wireguard/$1.key
[ -s "$key" ] || { wg genkey > "$key.new"; mv "$key.new" "$key"; }
wg pubkey < "$key"
"""

# Ours is the file that the node deploy keeps from then on; it stands first, for sshd takes the first value it reads. A server
# that refuses it, or that heeds another file instead, keeps its own. The mark outlives a death between rename and reload.
CLOSE = r"""
set -eu
file=/etc/ssh/sshd_config.d/00-wizara.conf
mark=/run/wizara-sshd-reload
rm -f /etc/ssh/.wizara-??????
new=$(mktemp /etc/ssh/.wizara-XXXXXX)
trap 'rm -f "$new"' EXIT
cat > "$new"; chmod 600 "$new"
changed=
mkdir -p /run/sshd /etc/ssh/sshd_config.d
if ! cmp -s "$new" "$file"; then
  sshd -t -f "$new"
  : > "$mark"
  mv "$new" "$file"
  sshd -t || { rm -f "$file" "$mark"; echo "the SSH server refuses the new settings" >&2; exit 1; }
  for wanted in 'permitrootlogin no' 'passwordauthentication no'; do
    sshd -T -C user=root,host=x,addr=192.0.2.1 2>/dev/null | grep -qx "$wanted" && continue
    rm -f "$file" "$mark"; echo "the SSH server does not read its folder sshd_config.d first: $wanted has no effect" >&2; exit 1
  done
  changed=y
fi
if [ -e "$mark" ]; then systemctl try-reload-or-restart ssh.service; rm -f "$mark"; changed=y; fi
[ -z "$changed" ] || echo changed
"""
