# shellcheck shell=sh
# What dockerd is told about the networks around it, as far as its daemon.json leaves that open. To be sourced, after
# json-settings.sh.

DAEMON_JSON=${DAEMON_JSON:-/etc/docker/daemon.json}
NETWORK_RECORDS=${NETWORK_RECORDS:-/var/lib/docker/network/files/local-kv.db}
ENGINE_STARTED_MARK=${ENGINE_STARTED_MARK:-/run/mobyvm/engine-started}
# dockerd's own choice.
DEFAULT_BRIDGE=172.17.0.1/16

# bridge_record_is_stale ADDRESS: the data disk has a record of a bridge in the network of the guest's own address. dockerd
# goes by the record when nothing else is said, and does not start, since that network is taken.
bridge_record_is_stale() {
	[ -e "$NETWORK_RECORDS" ] && tr '\000' '\n' <"$NETWORK_RECORDS" | grep -qF "\"AddressIPv4\":\"${1%.*}."
}

# count_matches PATTERN: in the records; strings of the database lie in it as they are
count_matches() {
	tr '\000' '\n' <"$NETWORK_RECORDS" | LC_ALL=C grep -aoE "$1" | wc -l
}

# records_are_of_default_networks: the data disk has records of networks, and all are of those that dockerd makes anyway. A
# network's record has its name before its type. What is not of that form, and what is left of deleted networks in the
# database, counts as a network of the user's.
records_are_of_default_networks() {
	[ -e "$NETWORK_RECORDS" ] || return 1
	network_count=$(count_matches '"networkType":')
	[ "$network_count" -gt 0 ] &&
		[ "$(count_matches '"name":"(bridge|host|none)","networkType":"(bridge|host|null)"')" -eq "$network_count" ]
}

# forget_default_networks: dockerd first restores the networks of its records, then deletes the bridge and makes it again (moby,
# daemon/daemon_unix.go, initNetworkController: "Clear stale bridge network"). Without the records it only makes it, with a
# third fewer calls of iptables. Only at the first start of an engine since the boot: later, containers may be running.
forget_default_networks() {
	[ ! -e "$ENGINE_STARTED_MARK" ] || return 0
	: >"$ENGINE_STARTED_MARK"
	if records_are_of_default_networks; then rm -f "$NETWORK_RECORDS"; fi
}

# engine_network_arguments ADDRESS GATEWAY
# `--add-host NAME:host-gateway` is to give the host, not the guest.
engine_network_arguments() {
	daemon_settings=$(json_settings "$DAEMON_JSON")
	has_setting() { printf '%s\n' "$daemon_settings" | grep -qxE "$1"; }
	has_setting 'host-gateway-ips?' || echo "--host-gateway-ip $2"
	if ! has_setting 'bip|bridge' && bridge_record_is_stale "$1"; then echo "--bip $DEFAULT_BRIDGE"; fi
}
