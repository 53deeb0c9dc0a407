# shellcheck shell=sh
# A pause before a service that failed is started again. To be sourced, after console.sh.

# Counts of failures, one file for each service
FAILURES=${FAILURES:-/run/mobyvm/failures}
# A service that ran for this long before it failed begins from nothing.
GOOD_RUN_SECONDS=60
LONGEST_PAUSE_SECONDS=60

uptime_seconds() {
	read -r seconds_up _ </proc/uptime
	echo "${seconds_up%.*}"
}

# pause_after COUNT: in seconds, after so many failures in a row: none after the first, then 2, 4, 8, ...
pause_after() {
	pause_seconds=1 pause_count=$1
	[ "$pause_count" -gt 1 ] || pause_seconds=0
	while [ "$pause_count" -gt 1 ] && [ "$pause_seconds" -lt "$LONGEST_PAUSE_SECONDS" ]; do
		pause_seconds=$((pause_seconds * 2)) pause_count=$((pause_count - 1))
	done
	[ "$pause_seconds" -le "$LONGEST_PAUSE_SECONDS" ] || pause_seconds=$LONGEST_PAUSE_SECONDS
	echo "$pause_seconds"
}

# back_off SERVICE STARTED: the service, which was started at that uptime, has failed. Waits; a trapped signal ends the wait.
back_off() {
	failures=0
	mkdir -p "$FAILURES"
	if [ $(($(uptime_seconds) - $2)) -lt "$GOOD_RUN_SECONDS" ] && [ -s "$FAILURES/$1" ]; then
		read -r failures <"$FAILURES/$1"
	fi
	failures=$((failures + 1))
	echo "$failures" >"$FAILURES/$1"
	wait_seconds=$(pause_after "$failures")
	[ "$wait_seconds" -gt 0 ] || return 0
	stage_error "$1" "$failures failures in a row; the next start is in $wait_seconds s"
	sleep "$wait_seconds" >/dev/null 2>&1 &
	wait_process=$!
	wait "$wait_process"
	kill "$wait_process" 2>/dev/null
	return 0
}
