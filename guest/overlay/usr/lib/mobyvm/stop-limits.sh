# shellcheck shell=sh
# How long a shutdown may take, in seconds. To be sourced.
#
# The host powers the guest off when its limit has passed (vm.stopTimeoutSeconds), whatever state the data disk is in. The
# containers and the engine therefore get less than that: what is left is for unmounting the disk.

STOP_SECONDS_FILE=${STOP_SECONDS_FILE:-/run/mobyvm/stop-seconds}
# The uptime at which the power button was pressed; absent where the kernel runs /sbin/poweroff.
SHUTDOWN_BEGAN_FILE=${SHUTDOWN_BEGAN_FILE:-/run/mobyvm/shutdown-began}
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
	echo $(($(stop_reserve "$(stop_seconds)") / 2))
}

# seconds_for_containers UPTIME: what is left for them then. The host counts from the press of the button, and the services
# that stop before dockerd take a quarter of a minute on an emulated processor.
seconds_for_containers() {
	stop_began=$1
	[ ! -r "$SHUTDOWN_BEGAN_FILE" ] || read -r stop_began <"$SHUTDOWN_BEGAN_FILE"
	stop_left=$(($(container_stop_seconds) - ($1 - stop_began)))
	[ "$stop_left" -ge 1 ] || stop_left=1
	echo "$stop_left"
}
