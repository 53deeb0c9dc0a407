# shellcheck shell=sh
# How full the data disk is, for the host: the item mobyvm.disk of pool 1, "1 KIB FREE_KIB FILES FREE_FILES". To be sourced, after
# kvp-pool.sh and data-mounted.sh.

DISK_NAME=mobyvm.disk
DISK_FOLDER=${DISK_FOLDER:-/mnt/data}
DISK_LOOK_SECONDS=30
disk_next_look='' disk_told=''

# percent_used TOTAL FREE
percent_used() {
	if [ "$1" -gt 0 ]; then echo $((($1 - $2) * 100 / $1)); else echo 0; fi
}

# Of a booting guest nothing is asked: the first look is as late as any other.
report_disk_use() {
	read -r disk_uptime _ </proc/uptime
	disk_uptime=${disk_uptime%.*}
	: "${disk_next_look:=$((disk_uptime + DISK_LOOK_SECONDS))}"
	[ "$disk_uptime" -ge "$disk_next_look" ] || return 0
	disk_next_look=$((disk_uptime + DISK_LOOK_SECONDS))
	data_disk_is_mounted || return 0
	disk_sizes=$(stat -f -c '%S %b %f %a %c %d' "$DISK_FOLDER") || return 0
	# shellcheck disable=SC2086 # six words
	write_disk_use $disk_sizes
}

# write_disk_use BLOCK_BYTES BLOCKS FREE_BLOCKS AVAILABLE_BLOCKS FILES FREE_FILES
# What root keeps for itself (FREE - AVAILABLE) does not count, as with df. Each change rewrites the pool, so that changes of
# less than a percent are not written.
write_disk_use() {
	disk_blocks=$(($2 - $3 + $4))
	disk_percents="$(percent_used "$disk_blocks" "$4") $(percent_used "$5" "$6")"
	[ "$disk_percents" != "$disk_told" ] || return 0
	pool_put "$GUEST_POOL" "$DISK_NAME" "1 $(($1 * disk_blocks / 1024)) $(($1 * $4 / 1024)) $5 $6" &&
		disk_told=$disk_percents
}
