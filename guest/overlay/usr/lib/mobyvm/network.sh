# shellcheck shell=sh
# What the network's parts share. To be sourced.

NETWORK_CARD=eth0
# Written when there is a lease: "ADDRESS PREFIX_LENGTH GATEWAY" on one line.
LEASE_FILE=${LEASE_FILE:-/run/mobyvm/lease}
ENGINE_PORT=2375
# With TLS (engine-listeners.sh)
ENGINE_TLS_PORT=2376

# Sets lease_address, lease_prefix and lease_gateway; status 1 without a lease.
read_lease() {
	[ -s "$LEASE_FILE" ] || return 1
	# shellcheck disable=SC2034 # for the caller
	read -r lease_address lease_prefix lease_gateway <"$LEASE_FILE"
}

# protect_engine_port GATEWAY
# Whoever reaches the engine's port is root in this VM. Only the host may: it is the default gateway, beyond the network
# card. Everybody else is refused, containers above all, those with the host's network included (they come over lo).
# One nft transaction replaces the old rules by the new ones without a gap.
protect_engine_port() {
	/usr/sbin/nft -f - <<-END
		table inet mobyvm
		delete table inet mobyvm
		table inet mobyvm {
			chain engine-port {
				type filter hook input priority filter - 10; policy accept;
				tcp dport != { $ENGINE_PORT, $ENGINE_TLS_PORT } accept
				iifname "$NETWORK_CARD" ip saddr $1 accept
				reject with tcp reset
			}
		}
	END
}
