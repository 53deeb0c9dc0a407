# When is the clock stepped? Run by check.sh: SCRIPTS WORK.
# The system clock is a list of readings, used up one by one; the last one stays. "1000+3" is a reading of 1000 that takes
# three seconds of the real-time clock.

scripts=$1 work=$2
RTC=$work/rtc
CLOCK_LOCK=$work/clock.lock CLOCK_SERVICE_LOCK=$work/clock-service.lock
MOBYVM_CONSOLE=$work/console
. "$scripts/console.sh"
. "$scripts/clock.sh"

next_of() {
	read -r reading rest <"$1"
	[ -z "$rest" ] || echo "$rest" >"$1"
	echo "$reading"
}

system_seconds() {
	now_seconds=$(next_of "$work/system")
	case $now_seconds in
	*+*) echo $(($(cat "$RTC") + ${now_seconds#*+})) >"$RTC" ;;
	esac
	now_seconds=${now_seconds%+*}
}
set_system_seconds() { echo "$1" >"$work/set"; }
# Each wait is a tick of the real-time clock.
usleep() { echo $(($(cat "$RTC") + 1)) >"$RTC"; }

# expect NAME RTC "SYSTEM..." STEP: what the clock is set to, or nothing
expect() {
	echo "$2" >"$RTC"
	echo "$3" >"$work/system"
	: >"$work/console"
	rm -f "$work/set"
	step_clock_if_off
	answer=$(cat "$work/set" 2>/dev/null)
	if [ "$answer" = "$4" ]; then
		echo "ok clock: $1"
	else
		echo "FAIL clock: $1: wanted it set to \"$4\", got \"$answer\""
	fi
}

expect 'equal' 1000 '1000' ''
expect 'a second ahead may be just rounding' 1000 '1001' ''
expect 'a second behind may be just rounding' 1000 '999' ''
# Two ticks pass: one to look again, one to step exactly.
expect 'ten minutes behind: stepped, at a tick' 1600 '1000' 1602
expect 'two seconds behind: stepped' 1003 '1000' 1005
expect 'far ahead: stepped back' 1000 '5000' 1002
expect 'delayed between the readings: no verdict' 1000 '1000+3 1003' ''
expect 'one odd reading: read again, left alone' 1003 '1000 1003' ''

expect 'a step is reported' 1600 '1000' 1602
if grep -q '^\[mobyvm [0-9.]*\] clock: stepped by 602 s$' "$work/console"; then
	echo 'ok clock: the step is on the console, in seconds'
else
	echo "FAIL clock: the step is on the console, in seconds: $(cat "$work/console")"
fi

rm -f "$RTC"
echo 1000 >"$work/system"
rm -f "$work/set"
step_clock_if_off 2>/dev/null
if [ -e "$work/set" ]; then echo 'FAIL clock: no real-time clock: left alone'; else echo 'ok clock: no real-time clock: left alone'; fi

# The real clock, which is a stub above and in kvp.cases.sh.
near_now() {
	near=$(($1 - $(date +%s)))
	[ "$near" -ge -60 ] && [ "$near" -le 0 ]
}
read_seconds() {
	. "$scripts/clock.sh"
	system_seconds
	echo "$now_seconds"
}
read_ms() {
	. "$scripts/kvp-time.sh"
	cd "$work" && system_ms
}
seconds=$(read_seconds)
if near_now "$seconds"; then echo 'ok clock: the system clock in seconds'; else echo "FAIL clock: the system clock in seconds: $seconds"; fi
ms=$(read_ms) later_ms=$(sleep 1 && read_ms)
if near_now $((ms / 1000)) && [ $((later_ms - ms)) -ge 900 ]; then
	echo 'ok clock: the system clock in milliseconds'
else
	echo "FAIL clock: the system clock in milliseconds: $ms, a second later $later_ms"
fi
