# shellcheck shell=sh
# How long a shutdown may take, in seconds. To be sourced.
#
# The host powers the guest off when its limit has passed (vm.stopTimeoutSeconds), whatever state the data disk is in. The
# containers and the engine therefore get less than that: what is left is for unmounting the disk.

STOP_SECONDS_FILE=${STOP_SECONDS_FILE:-/run/mobyvm/stop-seconds}
# Used until the host has sent its limit; the host's default.
DEFAULT_STOP_SECONDS=180
# For the services that stop first, containerd and the unmount: ample, because emulated guests are slow.
STOP_RESERVE_SECONDS=60

stop_seconds() {
	stop_limit=''
	[ ! -r "$STOP_SECONDS_FILE" ] || read -r stop_limit <"$STOP_SECONDS_FILE"
	echo "${stop_limit:-$DEFAULT_STOP_SECONDS}"
}

# stop_reserve SECONDS: the part of a limit that containers do not get
stop_reserve() {
	if [ "$1" -ge $((2 * STOP_RESERVE_SECONDS)) ]; then
		echo "$STOP_RESERVE_SECONDS"
	else
		echo $(($1 / 2))
	fi
}

# Containers that run longer than this after dockerd was told to end are killed.
container_stop_seconds() {
	stop_total=$(stop_seconds)
	echo $((stop_total - $(stop_reserve "$stop_total")))
}

# dockerd is killed if it has not ended this long after the containers were.
engine_stop_seconds() {
	echo $(($(stop_reserve "$(stop_seconds)") / 3))
}
