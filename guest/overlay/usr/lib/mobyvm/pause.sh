# shellcheck shell=sh
# To be sourced.

# A pipe that nobody writes to (made by mobyvm-early).
PAUSE_PIPE=${PAUSE_PIPE:-/run/mobyvm/pause}

# pause SECONDS: like sleep, but by the shell itself. Starting a program to sleep for 0.1 s can take as long as that on an
# emulated processor, from those that we wait for.
pause() {
	if [ -p "$PAUSE_PIPE" ]; then
		# Opened for writing as well, so that it has no end.
		# shellcheck disable=SC3045 # busybox has -t, and takes fractions
		read -r -t "$1" _ <>"$PAUSE_PIPE" || :
	else
		sleep "$1"
	fi
}
