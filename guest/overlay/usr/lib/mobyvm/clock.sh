# shellcheck shell=sh
# Compares the system clock with the real-time clock and steps it. To be sourced, after console.sh.

RTC=${RTC:-/sys/class/rtc/rtc0/since_epoch}
# Held while the clock is compared and stepped.
CLOCK_LOCK=${CLOCK_LOCK:-/run/mobyvm/clock.lock}
# Held by the clock service for as long as it runs.
CLOCK_SERVICE_LOCK=${CLOCK_SERVICE_LOCK:-/run/mobyvm/clock-service.lock}

# with_clock_lock COMMAND...
with_clock_lock() {
	{
		flock 7
		"$@" 7>&-
	} 7>>"$CLOCK_LOCK"
}

clock_service_runs() {
	[ -e "$CLOCK_SERVICE_LOCK" ] && ! flock -n "$CLOCK_SERVICE_LOCK" true
}

# Sets now_seconds. Not by the shell's EPOCHREALTIME: it is empty in Alpine's busybox.
system_seconds() {
	now_seconds=$(date +%s)
}

set_system_seconds() {
	date -s "@$1" >/dev/null
}

# Both clocks are read in whole seconds, so a difference of 1 may be nothing at all, and one of 2 is surely more than 1 s.
# The system clock, whose reading costs a process, is read between two readings of the RTC; when those are more than a second
# apart we were held up in between, and the comparison says nothing.
# Sets clock_difference (system less RTC).
measure_clock() {
	read -r rtc_before <"$RTC" || return 1
	system_seconds
	read -r rtc_seconds <"$RTC" || return 1
	[ $((rtc_seconds - rtc_before)) -le 1 ] || return 1
	clock_difference=$((now_seconds - rtc_seconds))
}

clock_is_off() {
	measure_clock && { [ "$clock_difference" -ge 2 ] || [ "$clock_difference" -le -2 ]; }
}

# The RTC's value is exact only at the moment it changes.
wait_for_rtc_tick() {
	read -r rtc_before <"$RTC"
	rtc_seconds=$rtc_before
	tick_tries=0
	while [ "$rtc_seconds" -eq "$rtc_before" ] && [ "$tick_tries" -lt 200 ]; do
		usleep 10000
		read -r rtc_seconds <"$RTC"
		tick_tries=$((tick_tries + 1))
	done
}

step_clock_if_off() {
	clock_is_off || return 0
	with_clock_lock step_clock_if_off_locked
}

step_clock_if_off_locked() {
	clock_is_off || return 0
	wait_for_rtc_tick
	# A single odd reading must not move the clock.
	clock_is_off || return 0
	wait_for_rtc_tick
	system_seconds
	clock_step=$((rtc_seconds - now_seconds))
	set_system_seconds "$rtc_seconds"
	stage clock "stepped by $clock_step s"
}
