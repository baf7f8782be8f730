#!/bin/sh
# One change of the way to this node, while it can still be taken back. Laid beside its snapshot, it needs no network and nothing
# but what every Debian has. window VERB ID ...: arm SECONDS LONGEST WHAT..., watch, boot, extend SECONDS, undo, confirm, keep, status.
set -uf
umask 077
PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
export PATH LC_ALL
verb=$1 id=$2
shift 2
all=/var/lib/wizara/changes dir=$all/$id live=/run/wizara/changes/$id stamps=/run/wizara/units
timer=wizara-window-$id.service service=wizara-rollback-$id.service
systemd=/etc/systemd/system
wants=$systemd/sysinit.target.wants
# What the way to a node hangs on, whatever a change says that it touches; folders are kept whole.
ways="/etc/passwd /etc/passwd- /etc/shadow /etc/shadow- /etc/group /etc/group- /etc/gshadow /etc/gshadow- /etc/subuid /etc/subuid-
/etc/subgid /etc/subgid- /etc/sudoers /etc/sudoers.d /etc/ssh /etc/pam.d /etc/security /etc/nsswitch.conf /root/.ssh /etc/nftables.conf
/etc/nftables.d /etc/ufw /etc/wireguard /etc/resolv.conf /etc/hosts /etc/network /etc/netplan /etc/systemd/network /etc/systemd/system
/etc/sysctl.conf /etc/sysctl.d"

seconds_up() { read -r up _rest < /proc/uptime; echo "${up%.*}"; }
# Two end a change at once, who keeps it and its timer: a line that one of them wrote must not be lost to the other's trimming.
note() { ( flock 8; printf '%s %s %s %s\n' "$id" "$1" "$(date +%s)" "${2:-}" >> "$all/history"; sync "$all/history" ) 8>> "$all/lock"; }
trim() { ( flock 8; tail -n 200 "$all/history" > "$all/.history" && mv "$all/.history" "$all/history" ) 8>> "$all/lock" 2>/dev/null; }
state() {
  for flag in rolling kept; do [ -e "$dir/$flag" ] && { echo "$flag"; return; }; done
  if [ -e "$dir/armed" ]; then
    echo "armed $(($(cat "$live/deadline" 2>/dev/null || echo 0) - $(seconds_up)))"
  else tail -n 1 "$all/history" | grep "^$id " | cut -d' ' -f2- | grep . || echo unknown; fi
}

# -- the snapshot --
is_there() { [ -e "$1" ] || [ -L "$1" ]; }
save() {
  while IFS= read -r root; do case "$1/" in "$root"/*) return 0 ;; esac; done < "$dir/roots"
  echo "$1" >> "$dir/roots"
  is_there "$1" || return 0
  mkdir -p "$dir/files${1%/*}" && cp -a "$1" "$dir/files$1"
}
save_folder() {
  if [ -d "$1" ]; then stat -c '%u:%g %a %n' "$1" >> "$dir/folders"; else echo "$1" >> "$dir/new-folders"; fi
}
save_unit() {
  digest=-
  invocation=$(systemctl show -P InvocationID "$2")
  case "$(cat "$stamps/$2" 2>/dev/null)" in "$invocation "*) [ -n "$invocation" ] && digest=$(cut -d' ' -f2 "$stamps/$2") ;; esac
  echo "$1 $2 $(systemctl is-active "$2") $digest" >> "$dir/units"
}
addresses() {
  ip -o addr show | awk '$3 == "inet6" && / scope link/ {next} {
    words = "dev " $2 " local"
    for (i = 4; i <= NF && $i != "scope"; i++) if ($i != "metric") words = words " " $i; else i++
    print words " scope " $(i + 1) (/ noprefixroute/ ? " noprefixroute" : "")}'
}
links() { ip -o link show | awk '{name = $2; sub(/[:@].*/, "", name); mtu = ""; for (i = 3; i < NF; i++) if ($i == "mtu") mtu = $(i + 1)
  print name, mtu, ($3 ~ /[<,]UP[,>]/ ? "up" : "down")}'; }
routes() { ip -o "$1" route show table all | tr -d '\\' | sed -E 's/ (linkdown|dead|pref medium)//g; s/ expires [0-9a-z]+//; s/[ \t]+/ /g; s/ $//' \
  | grep -vE '^(local|broadcast|multicast|anycast|unreachable) |^(fe80|ff00)::| proto ra| dev lo |^ff'; }
rules() { ip "$1" rule show | sed -E 's/:[ \t]+/ /; s/[ \t]+/ /g; s/ $//'; }
tables() { nft list tables 2>/dev/null | sed -n 's/^table //p'; }
settings() { find /proc/sys/net -type f -perm -200 ! -name flush -exec grep -sH '' {} + 2>/dev/null | sort; }
save_network() {
  mkdir "$dir/nft" "$dir/wg"
  tables | while read -r family name; do nft -s list table "$family" "$name" > "$dir/nft/$family.$name" || return 1; done
  links > "$dir/links"; addresses > "$dir/addresses"; settings > "$dir/settings"
  for family in -4 -6; do routes $family > "$dir/routes$family"; rules $family > "$dir/rules$family"; done
  command -v wg > /dev/null || return 0
  for device in $(wg show interfaces 2>/dev/null); do
    wg showconf "$device" > "$dir/wg/$device" && wg show "$device" dump > "$dir/wg/$device.dump" || return 1
  done
}
resolves() { timeout 4 getent -s dns ahostsv4 "$1" > /dev/null 2>&1; }
snapshot() {
  mkdir "$dir/files" && : > "$dir/roots" && : > "$dir/units" && : > "$dir/names" && : > "$dir/folders" && : > "$dir/new-folders" || return 1
  for what in "$@"; do case "$what" in name=*) name=${what#*=}; (resolves "$name" && echo "$name" >> "$dir/names") & ;; esac; done
  for path in $ways; do save "$path" || return 1; done
  for keys in $(set +f; ls -d /home/*/.ssh 2>/dev/null); do save "$keys" || return 1; done
  for what in "$@"; do
    case "$what" in
      file=*) save "${what#*=}" ;;
      folder=*) save_folder "${what#*=}" ;;
      home=*) [ -d "${what#*=}" ] || echo "${what#*=}" >> "$dir/new-homes" ;;
      restart=* | reload=* | stop=*) save_unit "${what%%=*}" "${what#*=}" ;;
    esac || return 1
  done
  save_network || return 1
  wait
}

# -- the timer --
boot_unit() {
  [ -d "$wants" ] || : > "$dir/made-wants"
  mkdir -p "$wants"
  cat > "$systemd/$service" << END
[Unit]
Description=Takes back a change of the way to this node that nobody confirmed before it restarted
DefaultDependencies=no
RequiresMountsFor=$dir /etc
After=local-fs.target systemd-remount-fs.service
Before=sysinit.target network-pre.target systemd-sysctl.service nftables.service ufw.service networking.service systemd-networkd.service ssh.service
[Service]
Type=oneshot
ExecStart=/bin/sh $dir/window boot $id
END
  chmod 644 "$systemd/$service"
  ln -s "../$service" "$wants/$service" && sync -f "$systemd"
}
refused() { echo "$1" >&2; rm -rf "$dir" "$live" "$systemd/$service" "$wants/$service"; exit 73; }
arm() {  # whoever calls holds the lock of all changes, as descriptor 9
  seconds=$1 longest=$2
  shift 2
  for flag in $(set +f; ls -d "$all"/*/armed "$all"/*/rolling 2>/dev/null); do
    rm -rf "$dir"; echo "another change of the way to this node is pending: ${flag%/*}" >&2; exit 75
  done
  [ -d /run/systemd/system ] || refused "systemd does not run here: no change of the way to this node can be taken back"
  [ "$(df --output=avail "$all" | tail -n 1)" -ge 16384 ] || refused "no room for a snapshot in $all"
  date +%s > "$dir/began"
  snapshot "$@" || refused "the snapshot before the change could not be made"
  mkdir -p "$live/hands" && : > "$live/failed"
  up=$(seconds_up)
  echo $((up + seconds)) > "$live/deadline"; echo $((up + longest)) > "$live/longest"
  sync -f "$dir" && boot_unit && : > "$dir/armed" && sync "$dir" || refused "the snapshot could not be written out"
  systemd-run --quiet --collect --unit="$timer" -p Restart=on-failure -p RestartSec=1 -p OOMScoreAdjust=-900 \
    /bin/sh "$dir/window" watch "$id" < /dev/null 9>&- || refused "no timer could be armed"
  state
}
extend() {
  [ -e "$dir/armed" ] || { state; return; }
  longest=$(cat "$live/longest") until=$(($(seconds_up) + $1))
  [ "$until" -le "$longest" ] || until=$longest
  echo "$until" > "$live/new" && mv "$live/new" "$live/deadline"
  state
}
undo() { if [ -e "$dir/armed" ]; then echo 0 > "$live/new" && mv "$live/new" "$live/deadline"; fi; state; }
watch() {
  while [ -e "$dir/armed" ] && [ "$(seconds_up)" -lt "$(cat "$live/deadline" || echo 0)" ]; do sleep 1; done
  # Whoever renames it first has decided: the one who keeps the change, or the one who takes it back.
  if [ -e "$dir/rolling" ] || mv "$dir/armed" "$dir/rolling" 2>/dev/null; then sync "$dir"; rollback; else forget; fi
}
boot() {
  [ ! -d "$live" ] || return 0  # this very boot is the one of the change: its timer decides
  if [ -e "$dir/rolling" ] || mv "$dir/armed" "$dir/rolling" 2>/dev/null; then sync "$dir"; rollback_at_boot; else forget; fi
}
forget() {
  rm -f "$wants/$service" "$systemd/$service"
  [ ! -e "$dir/made-wants" ] || rmdir "$wants" 2>/dev/null
  sync -f "$systemd"
  trim
  rm -rf "$live" "$dir"
  # Only a reload in between has made systemd know of it.
  [ -z "$(systemctl list-units --all --plain --no-legend "$service")" ] || systemctl daemon-reload
}

# -- the confirmation --
tunnels_down() {
  now=$(date +%s)
  for saved in $(set +f; ls "$dir/wg"/*.dump 2>/dev/null); do
    device=${saved##*/} device=${device%.dump}
    wg show "$device" dump 2>/dev/null | tail -n +2 | while read -r key _shared end allowed seen _in _out keep; do
      old=$(awk -v a="$allowed" -v n="$(cat "$dir/began")" 'NR > 1 && $4 == a && $5 > n - 180 {print $3, $5}' "$saved")
      [ -n "$old" ] && [ "$((now - seen))" -gt 180 ] || continue
      echo "the tunnel $device to $allowed has not come back"
      if [ ! -e "$live/woken-$device-$end" ]; then  # asks for a handshake at once, where its peer was last heard
        : > "$live/woken-$device-$end"
        [ "$end" != "(none)" ] || wg set "$device" peer "$key" endpoint "${old% *}"
        wg set "$device" peer "$key" persistent-keepalive 0; wg set "$device" peer "$key" persistent-keepalive 1
        wg set "$device" peer "$key" persistent-keepalive "$keep"
      fi
    done
  done
}
missing() {
  while read -r kind unit _was _digest; do
    [ "$kind" = stop ] || systemctl is-active --quiet "$unit" || echo "$unit is not active"
  done < "$dir/units"
  while read -r name; do resolves "$name" || resolves "$name" || echo "the name $name is found no more"; done < "$dir/names"
  tunnels_down
}
confirm() {
  bytes=$(wc -c)
  [ -e "$dir/armed" ] || { state; return; }
  why=$(missing | head -n 1)
  if [ -n "$why" ]; then echo "no $why"; else echo "good $bytes"; fi
  head -c "$bytes" /dev/zero | tr '\0' x
  echo
}
keep() {
  if mv "$dir/armed" "$dir/kept" 2>/dev/null; then
    sync "$dir"; note kept; forget
    systemctl stop "$timer" 2>/dev/null
    echo kept  # it was decided here, whatever the history says of it
  else state; fi
}

# -- the way back --
alike() {
  [ "$(stat -c '%F %u %g %a' "$1")" = "$(stat -c '%F %u %g %a' "$2" 2>/dev/null)" ] || return 1
  if [ -L "$1" ]; then [ "$(readlink "$1")" = "$(readlink "$2")" ]; elif [ -d "$1" ]; then true; else cmp -s "$1" "$2"; fi
}
put_back() {  # copy, path
  alike "$1" "$2" && return
  if [ -d "$1" ] && [ ! -L "$1" ]; then
    [ -d "$2" ] && [ ! -L "$2" ] || { rm -rf "$2"; mkdir -p "$2"; }
    chown --reference="$1" "$2"; chmod --reference="$1" "$2"
  else
    [ -L "$2" ] || [ ! -d "$2" ] || rm -rf "$2"
    mkdir -p "${2%/*}"
    new="${2%/*}/.wizara-back-$id"
    rm -f "$new"; cp -a "$1" "$new" && { [ -L "$new" ] || sync "$new"; } && mv -fT "$new" "$2"
  fi
}
restore_files() {
  while IFS= read -r root; do
    copy=$dir/files$root
    # Depth first, so that what came into a folder is gone before the folder is.
    if is_there "$root"; then
      find "$root" -depth 2>/dev/null | grep -v '/wizara-rollback-' | while IFS= read -r path; do
        is_there "$dir/files$path" || rm -f "$path" 2>/dev/null || rmdir "$path" 2>/dev/null
      done
    fi
    is_there "$copy" && find "$copy" | while IFS= read -r path; do put_back "$path" "${path#"$dir/files"}"; done
  done < "$dir/roots"
  while read -r owner mode path; do [ ! -d "$path" ] || { chown "$owner" "$path"; chmod "$mode" "$path"; }; done < "$dir/folders"
  sort -r "$dir/new-folders" | while IFS= read -r path; do rmdir "$path" 2>/dev/null; done
  [ ! -e "$dir/new-homes" ] || while IFS= read -r path; do rm -rf "$path" "/var/mail/${path##*/}"; done < "$dir/new-homes"
  sync -f /etc
}
other_lines() { grep -vxF -f "$2" "$1"; }  # the lines of $1 that $2 does not have
restore_rules() {
  command -v nft > /dev/null || return 0
  tables | while read -r family name; do [ -e "$dir/nft/$family.$name" ] || nft delete table "$family" "$name"; done
  for file in $(set +f; ls "$dir/nft"/* 2>/dev/null); do
    table=${file##*/} family=${table%%.*} name=${table#*.}
    [ "$(nft -s list table "$family" "$name" 2>/dev/null)" = "$(cat "$file")" ] && continue
    { printf 'table %s %s\ndelete table %s %s\n' "$family" "$name" "$family" "$name"; cat "$file"; } | nft -f -
  done
}
restore_settings() {
  for _pass in 1 2; do
    settings > "$live/settings"
    other_lines "$dir/settings" "$live/settings" | while IFS=: read -r path value; do [ -w "$path" ] && echo "$value" > "$path"; done
  done 2>/dev/null
}
restore_addresses() {
  links > "$live/links"
  other_lines "$dir/links" "$live/links" | while read -r name mtu up; do ip link set "$name" mtu "$mtu" "$up"; done
  addresses > "$live/addresses"
  other_lines "$live/addresses" "$dir/addresses" | while read -r line; do ip addr del ${line%% scope *}; done
  addresses > "$live/addresses"
  other_lines "$dir/addresses" "$live/addresses" | while read -r line; do ip addr add $line; done
  for family in -4 -6; do
    rules $family > "$live/rules"
    other_lines "$live/rules" "$dir/rules$family" | while read -r line; do ip $family rule del pref $line; done
    other_lines "$dir/rules$family" "$live/rules" | while read -r line; do ip $family rule add pref $line; done
    for _pass in 1 2; do
      routes $family > "$live/routes"
      other_lines "$live/routes" "$dir/routes$family" | while read -r line; do ip $family route del $line; done
      other_lines "$dir/routes$family" "$live/routes" | while read -r line; do ip $family route replace $line; done
    done
  done
}
restore_tunnels() {
  for file in $(set +f; ls "$dir/wg"/* 2>/dev/null | grep -v '\.dump$'); do
    device=${file##*/}
    ip link show "$device" > /dev/null 2>&1 || ip link add "$device" type wireguard || continue
    [ "$(wg showconf "$device" | sort)" = "$(sort "$file")" ] || wg syncconf "$device" "$file"
  done
}
restart_units() {  # all that the change touches, whether or not they look as before
  while read -r kind unit was digest <&3; do
    systemctl reset-failed "$unit" 2>/dev/null
    rm -f "$stamps/$unit"
    case "$was" in inactive | failed | unknown) timeout 30 systemctl stop "$unit"; continue ;; esac
    # Without a stamp of before, only a start says that the unit is younger than the files put back.
    if [ "$kind" = reload ] && [ "$digest" != - ]; then timeout 30 systemctl reload-or-restart "$unit" || timeout 30 systemctl restart "$unit"
    else timeout 30 systemctl restart "$unit"; fi
    systemctl is-active --quiet "$unit" || { echo "$unit does not run" >> "$live/failed"; continue; }
    [ "$digest" = - ] || { mkdir -p "$stamps"; echo "$(systemctl show -P InvocationID "$unit") $digest" > "$stamps/$unit"; }
  done 3< "$live/units" < /dev/null
}
stop_hands() {  # shells that work within the change: what they have begun must not come after the way back
  for hand in $(set +f; ls "$live/hands" 2>/dev/null); do
    [ -s "$live/hands/$hand" ] && [ "$(cut -d' ' -f22 "/proc/$hand/stat" 2>/dev/null)" = "$(cat "$live/hands/$hand")" ] \
      && kill -9 -- "-$hand"
  done
}
rollback() {
  stop_hands
  restore_files
  systemctl daemon-reload
  restore_settings; restore_rules; restore_addresses
  sleep 1  # a unit that became active in the second in which its file changed counts as older than the file
  { grep ' ssh' "$dir/units"; grep -v ' ssh' "$dir/units"; } > "$live/units"
  restart_units
  restore_tunnels; restore_settings; restore_rules; restore_addresses
  note rolled-back "$(tr '\n' ';' < "$live/failed" 2>/dev/null)"
  forget
}
rollback_at_boot() {  # what the kernel held is gone with the boot; units are about to start with the files put back
  restore_files
  systemctl daemon-reload
  sleep 1
  while read -r _kind unit was _digest; do
    case "$was" in inactive | failed | unknown) systemctl --no-block stop "$unit" ;; *) systemctl --no-block start "$unit" ;; esac
  done < "$dir/units"
  note rolled-back "at its restart"
  forget
}

case "$verb" in
  arm) arm "$@" ;;
  extend) extend "$@" ;;
  watch | boot | undo | confirm | keep) "$verb" ;;
  *) state ;;
esac
