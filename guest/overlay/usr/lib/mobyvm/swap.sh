# shellcheck shell=sh
# Swap space in the memory itself, compressed. To be sourced, after console.sh.

# The size in MiB, as the host's configuration has it; no file: none.
SWAP_FILE=${SWAP_FILE:-/run/mobyvm/swap-mib}
SWAP_DEVICE=zram0

# Does nothing when it is there already: the engine, after whose start this is called, may start again.
enable_swap() {
	[ -s "$SWAP_FILE" ] || return 0
	! grep -q "^/dev/$SWAP_DEVICE " /proc/swaps || return 0
	read -r swap_mib <"$SWAP_FILE" || [ -n "$swap_mib" ]
	if /sbin/modprobe -q zram && echo "${swap_mib}M" >"/sys/block/$SWAP_DEVICE/disksize" &&
		mkswap "/dev/$SWAP_DEVICE" >/dev/null && swapon "/dev/$SWAP_DEVICE"; then
		return
	fi
	stage_error config "no swap space: $SWAP_DEVICE could not be set up"
}
