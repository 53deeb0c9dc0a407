# What does a lease bring about, and in which order? Run by check.sh: SCRIPTS WORK.
# dhcp-event runs as it is; the commands that change the machine are functions that write down that they were called.

scripts=$1 work=$2
MOBYVM_CONSOLE=$work/console
LEASE_FILE=$work/lease
calls=$work/calls

# Only the files that the script writes at fixed places are moved.
sed "s|/run/mobyvm/|$work/|g; s|/etc/resolv.conf|$work/resolv.conf|g" "$scripts/dhcp-event" >"$work/dhcp-event"

ip() { echo "ip $*" >>"$calls"; }
hostname() { echo "hostname $*" >>"$calls"; }
mkdir "$work/bin"
printf '#!/bin/sh\necho "rc-service $*" >>%s\n' "$calls" >"$work/bin/rc-service"
chmod 755 "$work/bin/rc-service"
PATH=$work/bin:$PATH

# event NAME [variable=value...]; nft_status is what the guard of the engine port answers
event() {
	event_name=$1
	shift
	(
		interface=eth0 ip='' mask='' router='' dns='' mtu='' domain='' search='' hostname=''
		for setting; do eval "${setting%%=*}=\${setting#*=}"; done
		set -- "$event_name"
		. "$work/dhcp-event.with-fake-guard"
		wait
	)
}

# network.sh is sourced inside: its guard is replaced just after.
awk '{ print } /network\.sh$/ { print "protect_engine_port() { echo \"guard $1, lease file: $(cat \"$LEASE_FILE\" 2>/dev/null)\" >>\"$calls\"; return \"$(cat \"$work/nft-status\")\"; }" }' \
	"$work/dhcp-event" >"$work/dhcp-event.with-fake-guard"

fresh() {
	rm -f "$LEASE_FILE" "$work/dhcp-no-answer" "$work/resolv.conf"
	: >"$calls"
	: >"$work/console"
	echo 0 >"$work/nft-status"
}

# expect NAME COMMAND...
expect() {
	case_name=$1
	shift
	if "$@" >/dev/null 2>&1; then
		echo "ok network: $case_name"
	else
		echo "FAIL network: $case_name: $(cat "$calls" "$work/console" | tr '\n' ';')"
	fi
}

not() { ! "$@"; }

fresh
event bound ip=10.0.75.2 mask=24 router=10.0.75.1 'dns=10.0.75.1 10.0.75.9' mtu=1400 domain=example
expect 'the address is set' grep -qx 'ip address replace 10.0.75.2/24 dev eth0' "$calls"
expect 'the MTU is set' grep -qx 'ip link set dev eth0 mtu 1400' "$calls"
expect 'the route is set' grep -qx 'ip route replace default via 10.0.75.1 dev eth0' "$calls"
expect 'the name servers are written' test "$(cat "$work/resolv.conf")" = "search example
nameserver 10.0.75.1
nameserver 10.0.75.9"
event renew ip=10.0.75.2 mask=24 router=10.0.75.1 dns=10.0.75.1 'search=corp.example lab.example' domain=mobyvm.internal
expect "containers look for names in the host's domains first" test "$(cat "$work/resolv.conf")" = 'search corp.example lab.example mobyvm.internal
nameserver 10.0.75.1'
event renew ip=10.0.75.2 mask=24 router=10.0.75.1 dns=10.0.75.1 'search=mobyvm.internal corp.example' domain=mobyvm.internal
expect 'a changed search list is taken at the renewal, each domain once' \
	grep -qx 'search mobyvm.internal corp.example' "$work/resolv.conf"
expect 'no half-written file stays behind' test ! -e "$work/resolv.conf.new"
fresh
event bound ip=10.0.75.2 mask=24 router=10.0.75.1 dns=10.0.75.1
expect 'without domains there is no search line' test "$(cat "$work/resolv.conf")" = 'nameserver 10.0.75.1'
fresh
event bound ip=10.0.75.2 mask=24 router=10.0.75.1 'dns=10.0.75.1 10.0.75.9' mtu=1400 domain=example
expect 'the engine port is guarded before the lease is told' grep -qx 'guard 10.0.75.1, lease file: ' "$calls"
expect 'the lease is told' test "$(cat "$LEASE_FILE")" = '10.0.75.2 24 10.0.75.1'
expect 'the lease is on the console' grep -q '^\[mobyvm [0-9.]*\] network: 10.0.75.2/24 via 10.0.75.1$' "$work/console"

: >"$calls"
: >"$work/console"
event renew ip=10.0.75.2 mask=24 router=10.0.75.1
expect 'a renewal of the same lease says nothing' test ! -s "$work/console"
expect 'a renewal of the same lease leaves the engine alone' not grep -q rc-service "$calls"

: >"$calls"
: >"$work/console"
event bound ip=10.0.75.7 mask=24 router=10.0.75.1
expect 'another address: the old one is taken away' grep -q '^ip address flush' "$calls"
expect 'another address: the engine is restarted' grep -qx 'rc-service docker restart' "$calls"
expect 'another address: the lease is told' test "$(cat "$LEASE_FILE")" = '10.0.75.7 24 10.0.75.1'

: >"$calls"
event renew ip=10.0.75.7 mask=24 router=10.0.75.254
expect 'another gateway: the guard follows' grep -q '^guard 10.0.75.254' "$calls"
expect 'another gateway: the engine is left alone' not grep -q rc-service "$calls"

fresh
event bound ip=10.0.75.2 mask=24
expect 'no gateway: an error line' grep -q 'network!: .*no default gateway' "$work/console"
expect 'no gateway: the engine hears of no lease' test ! -e "$LEASE_FILE"

fresh
echo 1 >"$work/nft-status"
event bound ip=10.0.75.2 mask=24 router=10.0.75.1
expect 'the guard fails: an error line' grep -q 'network!: .*could not be protected' "$work/console"
expect 'the guard fails: the engine hears of no lease' test ! -e "$LEASE_FILE"

fresh
event leasefail
event leasefail
expect 'no answer is said once' test "$(grep -c 'network!: no DHCP server' "$work/console")" -eq 1
event bound ip=10.0.75.2 mask=24 router=10.0.75.1
event leasefail
expect 'no answer is said again after a lease' test "$(grep -c 'network!: no DHCP server' "$work/console")" -eq 2

fresh
event bound ip=10.0.75.2 mask=24 router=10.0.75.1
: >"$calls"
event deconfig
expect 'a lease that ran out keeps its address' not grep -qE 'flush|del' "$calls"
