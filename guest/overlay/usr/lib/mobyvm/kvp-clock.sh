# shellcheck shell=sh
# The request mobyvm.clock: when was the host's pool last written, by this clock? The host knows when it wrote, and finds by how much
# this clock is off, however long the request waited here. To be sourced with console.sh, clock.sh, kvp-transfer.sh, kvp-time.sh
# and kvp-config.sh.

STEP_CLOCK=${STEP_CLOCK:-/usr/lib/mobyvm/step-clock}
# More than this is for mobyvm.time, which asks the RTC service first.
MOST_ADJUSTED_MS=2000

# An optional field: by how many milliseconds the clock is to be moved.
adjustment_is_good() {
	[ -e adjust ] || return 0
	read -r adjust_text <adjust || [ -n "$adjust_text" ]
	case ${adjust_text#-} in
	'' | *[!0-9]* | ?????*) return 1 ;;
	esac
	[ "$(wc -c <adjust)" -eq "${#adjust_text}" ] && [ "${adjust_text#-}" -le "$MOST_ADJUSTED_MS" ]
}

# In the folder with the fields. The RTC service does not mind: it steps at a difference of two whole seconds.
apply_clock_fields() {
	written_ms=$(file_time_ms "$HOST_POOL")
	if ! adjustment_is_good; then
		echo 'error malformed 0 the field adjust is malformed'
	elif [ ! -e adjust ]; then
		echo "ok $written_ms"
	elif with_clock_lock "$STEP_CLOCK" "$adjust_text" 2>reason; then
		stage clock "moved by $adjust_text ms, by the host's time"
		echo "ok $written_ms"
	else
		echo "error clock 0 the clock could not be moved: $(head -n 1 reason)"
	fi
}

# apply_clock_request BODY: prints the result: "ok WRITTEN", the milliseconds since 1970 before any correction
apply_clock_request() {
	with_fields "$1" 'mobyvm-clock 1' apply_clock_fields adjust
}
