# shellcheck shell=sh
# How many connections the firewall may keep track of. To be sourced.

FEWEST_CONNECTIONS=65536
MOST_CONNECTIONS=1048576

# connection_limit MEMINFO: one for each 16 KiB of memory, of which each takes 2 % at most. The kernel gives a machine with
# 2 GiB half of that, which a load test of one web server uses up; further connections then time out.
connection_limit() {
	while read -r memory_name memory_kib _; do
		[ "$memory_name" != MemTotal: ] || break
	done <"$1"
	connections=$((${memory_kib:-0} / 16))
	[ "$connections" -ge "$FEWEST_CONNECTIONS" ] || connections=$FEWEST_CONNECTIONS
	[ "$connections" -le "$MOST_CONNECTIONS" ] || connections=$MOST_CONNECTIONS
	echo "$connections"
}
