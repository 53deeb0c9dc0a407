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

# second_address ADDRESS: the next one, for relay ports
second_address() {
	echo "${1%.*}.$((${1##*.} + 1))"
}

# prepare_relays ADDRESS GATEWAY
# Relay ports of the guest's second address lead to containers that are published on one address of the host
# (guest/port-proxy/relay.c fills the maps). Only the host may use them. Ahead of dockerd's rules, which would take each port
# that a container publishes, at any address of the guest; and the engine's own ports. Elements stay when it is called again.
# What begins in the guest and asks for a published port at an address of the host does not leave the guest: a second pair of
# maps takes it to the port proxy (guest/port-proxy/hairpin.c).
prepare_relays() {
	relay_from="iifname \"$NETWORK_CARD\" ip saddr $2"
	relay_address=$(second_address "$1")
	/usr/sbin/nft -f - <<-END
		table ip mobyvm_relay {
			map tcp_relays {
				type inet_service : ipv4_addr . inet_service
			}
			map udp_relays {
				type inet_service : ipv4_addr . inet_service
			}
			map tcp_hairpins {
				type ipv4_addr . inet_service : ipv4_addr . inet_service
			}
			map udp_hairpins {
				type ipv4_addr . inet_service : ipv4_addr . inet_service
			}
			chain relay {
				type nat hook prerouting priority dstnat - 10; policy accept;
			}
			chain hairpin {
				type nat hook output priority -110; policy accept;
			}
		}
		flush chain ip mobyvm_relay relay
		flush chain ip mobyvm_relay hairpin
		add rule ip mobyvm_relay hairpin dnat ip to ip daddr . tcp dport map @tcp_hairpins
		add rule ip mobyvm_relay hairpin dnat ip to ip daddr . udp dport map @udp_hairpins
		add rule ip mobyvm_relay relay iifname != "$NETWORK_CARD" dnat ip to ip daddr . tcp dport map @tcp_hairpins
		add rule ip mobyvm_relay relay iifname != "$NETWORK_CARD" dnat ip to ip daddr . udp dport map @udp_hairpins
		add rule ip mobyvm_relay relay $relay_from ip daddr $relay_address dnat ip to tcp dport map @tcp_relays
		add rule ip mobyvm_relay relay $relay_from ip daddr $relay_address dnat ip to udp dport map @udp_relays
		add rule ip mobyvm_relay relay $relay_from ip daddr $1 tcp dport { $ENGINE_PORT, $ENGINE_TLS_PORT } dnat to $1
	END
}
