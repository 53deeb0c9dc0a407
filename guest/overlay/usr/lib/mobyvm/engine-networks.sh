# shellcheck shell=sh
# What dockerd is told about the networks around it, as far as its daemon.json leaves that open. To be sourced, after
# json-settings.sh.

DAEMON_JSON=${DAEMON_JSON:-/etc/docker/daemon.json}
NETWORK_RECORDS=${NETWORK_RECORDS:-/var/lib/docker/network/files/local-kv.db}
# dockerd's own choice.
DEFAULT_BRIDGE=172.17.0.1/16

# bridge_record_is_stale ADDRESS: the data disk has a record of a bridge in the network of the guest's own address. dockerd
# goes by the record when nothing else is said, and does not start, since that network is taken.
bridge_record_is_stale() {
	[ -e "$NETWORK_RECORDS" ] && tr '\000' '\n' <"$NETWORK_RECORDS" | grep -qF "\"AddressIPv4\":\"${1%.*}."
}

# engine_network_arguments ADDRESS GATEWAY
# `--add-host NAME:host-gateway` is to give the host, not the guest.
engine_network_arguments() {
	daemon_settings=$(json_settings "$DAEMON_JSON")
	has_setting() { printf '%s\n' "$daemon_settings" | grep -qxE "$1"; }
	has_setting 'host-gateway-ips?' || echo "--host-gateway-ip $2"
	if ! has_setting 'bip|bridge' && bridge_record_is_stale "$1"; then echo "--bip $DEFAULT_BRIDGE"; fi
}
