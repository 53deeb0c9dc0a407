# What is dockerd told about networks? Run by check.sh: SCRIPTS WORK.

scripts=$1 work=$2
DAEMON_JSON=$work/daemon.json
NETWORK_RECORDS=$work/local-kv.db
ENGINE_STARTED_MARK=$work/engine-started
. "$scripts/json-settings.sh"
. "$scripts/engine-networks.sh"

# expect NAME WANTED: of `engine_network_arguments`, on one line
expect() {
	found=$(engine_network_arguments 10.0.75.2 10.0.75.1 | tr '\n' ' ')
	if [ "$found" = "$2" ]; then echo "ok engine networks: $1"; else echo "FAIL engine networks: $1: $found"; fi
}

echo '{"log-level": "warn"}' >"$DAEMON_JSON"
expect 'host-gateway is the host' '--host-gateway-ip 10.0.75.1 '

echo '{"host-gateway-ip": "192.0.2.1"}' >"$DAEMON_JSON"
expect 'host-gateway is what the settings say' ''

echo '{"host-gateway-ips": ["192.0.2.1"]}' >"$DAEMON_JSON"
expect 'host-gateway is what the settings of later engines say' ''

printf 'x\000"AddressIPv4":"10.0.75.1/24"\000' >"$NETWORK_RECORDS"
echo '{}' >"$DAEMON_JSON"
expect "a bridge record in the guest's own network is not followed" '--host-gateway-ip 10.0.75.1 --bip 172.17.0.1/16 '

echo '{"bip": "10.8.0.1/24"}' >"$DAEMON_JSON"
expect 'a bridge network of the settings stays' '--host-gateway-ip 10.0.75.1 '

printf 'x\000"AddressIPv4":"10.0.7.1/24"\000' >"$NETWORK_RECORDS"
echo '{}' >"$DAEMON_JSON"
expect "a bridge record in another network is dockerd's affair" '--host-gateway-ip 10.0.75.1 '

# forgets NAME RECORDS: the records are gone afterwards
forgets() {
	printf '%b' "$2" >"$NETWORK_RECORDS"
	forget_default_networks
	if [ ! -e "$NETWORK_RECORDS" ]; then echo "ok engine networks: $1"; else echo "FAIL engine networks: $1"; fi
}

# keeps NAME RECORDS
keeps() {
	printf '%b' "$2" >"$NETWORK_RECORDS"
	forget_default_networks
	if [ -e "$NETWORK_RECORDS" ]; then echo "ok engine networks: $1"; else echo "FAIL engine networks: $1"; fi
}

defaults='\000{"name":"host","networkType":"host"}\377k{"id":"1","name":"none","networkType":"null"}\000{"name":"bridge","networkType":"bridge","x":1}'
forgets 'records of the default networks alone are forgotten at the first start' "$defaults"
keeps 'but not at a later start, when containers may be running' "$defaults"
rm -f "$ENGINE_STARTED_MARK"
keeps "a user's network is kept" "$defaults"'k{"name":"web","networkType":"bridge"}'
rm -f "$ENGINE_STARTED_MARK"
keeps 'a network of another driver is kept' "$defaults"'k{"name":"bridge","networkType":"macvlan"}'
rm -f "$ENGINE_STARTED_MARK"
keeps 'records of an unknown form are kept' "$defaults"'{"name":"bridge","new":1,"networkType":"bridge"}'
rm -f "$ENGINE_STARTED_MARK"
keeps 'records without a network are kept' 'x\000{"name":"bridge"}'
rm -f "$ENGINE_STARTED_MARK" "$NETWORK_RECORDS"
forget_default_networks
