# shellcheck shell=sh
# The host's time, from the requests mobyvm.time and mobyvm.config. To be sourced with console.sh, clock.sh, kvp-transfer.sh
# and kvp-config.sh.

# All files of the image have one date, that of its kernel package. No host lives before that.
IMAGE_DATE_FILE=${IMAGE_DATE_FILE:-/usr/lib/mobyvm/clock.sh}
# 2100-01-01
LATEST_SECONDS=4102444800

# file_time_ms FILE: when it was written, in milliseconds
file_time_ms() {
	# SECONDS DATE TIME.NANOSECONDS ZONE
	# shellcheck disable=SC2046 # a list of words
	set -- $(stat -c '%Y %y' "$1")
	now_nanoseconds=${3#*.}
	echo "$1${now_nanoseconds%??????}"
}

# The clock in milliseconds, as the time of a new file: busybox's date has no %N on Alpine, and its shell no EPOCHREALTIME.
system_ms() {
	: >system-time
	file_time_ms system-time
	rm -f system-time
}

# host_ms: the time in the file "time", plus what has passed since the request was first seen
host_ms() {
	read_uptime
	# shellcheck disable=SC2154 # kvp-transfer.sh sets both
	echo $(($(tr -d . <./time) + (uptime - started_at) * 10))
}

is_more_than_a_second() {
	[ "$1" -lt -1000 ] || [ "$1" -gt 1000 ]
}

# Only whole seconds can be set: the step is made when the host's next second begins.
step_to_host_time() {
	time_host=$(host_ms)
	usleep "$(((1000 - time_host % 1000) * 1000))"
	set_system_seconds $((time_host / 1000 + 1)) || return 1
	stage clock "stepped by $1 ms, by the host's time"
}

# apply_time: the field of a configuration
apply_time() {
	[ ! -e time ] || with_clock_lock apply_time_locked
}

apply_time_locked() {
	time_step=$(($(host_ms) - $(system_ms)))
	! is_more_than_a_second "$time_step" || step_to_host_time "$time_step"
}

time_is_absurd() {
	read -r time_text <./time || [ -n "$time_text" ]
	time_seconds=${time_text%.*}
	[ "$time_seconds" -lt "$(stat -c %Y "$IMAGE_DATE_FILE")" ] || [ "$time_seconds" -ge "$LATEST_SECONDS" ]
}

# With the clock's lock, so that the RTC service does not step at the same moment. While that service runs, the RTC decides
# and is looked at now; otherwise the two could step back and forth.
step_by_request() {
	time_offset=$(($(system_ms) - $(host_ms)))
	if clock_service_runs; then
		step_clock_if_off_locked
		echo "ok $time_offset rtc"
	elif ! is_more_than_a_second "$time_offset"; then
		echo "ok $time_offset kept"
	elif step_to_host_time $((0 - time_offset)) 2>reason; then
		echo "ok $time_offset stepped"
	else
		echo "error time 0 the clock could not be set: $(head -n 1 reason)"
	fi
}

# In the folder with the fields. Prints the result.
apply_time_fields() {
	if [ ! -e time ] || [ -n "$(bad_field)" ]; then
		echo 'error malformed 0 the field time is missing or malformed'
	elif time_is_absurd; then
		echo "error time 0 the host's time $(cat time) is before this image was built or after 2099"
	else
		with_clock_lock step_by_request
	fi
}

# apply_time_request BODY: prints the result: "ok OFFSET stepped", "ok OFFSET kept" or "ok OFFSET rtc"; OFFSET is how many
# milliseconds the guest's clock was ahead of the host's
apply_time_request() {
	with_fields "$1" 'mobyvm-time 1' apply_time_fields time
}
