# What becomes of a daemon's output and its end? Run by check.sh: SCRIPTS WORK.

scripts=$1 work=$2
MOBYVM_CONSOLE=$work/console
FAILURES=$work/failures
export MOBYVM_CONSOLE FAILURES

expect() {
	case_name=$1
	shift
	if "$@" >/dev/null 2>&1; then
		echo "ok run-logged: $case_name"
	else
		echo "FAIL run-logged: $case_name: $(tr '\n' ';' <"$work/console")"
	fi
}

: >"$work/console"
status=0
busybox ash "$scripts/run-logged" engine "$work/log" sh -c 'seq 1 30; exit 7' || status=$?
expect 'the exit status is passed on' test "$status" -eq 7
expect 'the output is in the log' test "$(tail -n 1 "$work/log")" = 30
expect 'the last ten lines are error lines' test "$(grep -c '^\[mobyvm [0-9.]*\] engine!: | ' "$work/console")" -eq 10
expect 'the first error line has the status and the reason' \
	grep -q '^\[mobyvm [0-9.]*\] engine!: sh ended with status 7: 30$' "$work/console"
expect 'a first failure is not waited for' test ! "$(grep 'in a row' "$work/console")"

# reason CASE EXPECTED: what is said of a daemon that prints the file "output"
reason() {
	: >"$work/console"
	rm -rf "$FAILURES"
	busybox ash "$scripts/run-logged" engine "$work/log5" sh -c "cat '$work/output'; exit 1"
	expect "$1" grep -qxF "engine!: sh ended with status 1: $2" <<-END
		$(head -n 1 "$work/console" | cut -d ' ' -f 3-)
	END
}
cat >"$work/output" <<-'END'
	time="2026-05-04T03:02:01Z" level=warning msg="Your kernel does not support something"
	unable to configure the Docker daemon with file /etc/docker/daemon.json: the following directives don't match any configuration option: nope
END
reason 'the reason is what dockerd says last' \
	"unable to configure the Docker daemon with file /etc/docker/daemon.json: the following directives don't match any configuration option: nope"
cat >"$work/output" <<-'END'
	time="2026-05-04T03:02:01.5Z" level=fatal msg="failed to start daemon: Pool overlaps with other one on this address space"
END
reason 'the reason is given without the form of the log' 'failed to start daemon: Pool overlaps with other one on this address space'
cat >"$work/output" <<-'END'
	panic: runtime error: invalid memory address

	goroutine 1 [running]:
	main.main()
END
reason 'the reason of a panic is its first line' 'panic: runtime error: invalid memory address'
rm -rf "$FAILURES"

: >"$work/console"
busybox ash "$scripts/run-logged" engine "$work/log" sh -c 'echo second; exit 1'
expect 'a second run shows only its own lines' test "$(grep -c 'engine!: | ' "$work/console")" -eq 1

: >"$work/console"
busybox ash "$scripts/run-logged" engine "$work/log2" sleep 60 2>/dev/null &
logged=$!
sleep 0.5
kill -TERM "$logged"
status=0
wait "$logged" || status=$?
expect 'a requested stop succeeds' test "$status" -eq 0
expect 'a requested stop prints nothing' test ! -s "$work/console"

# A daemon that fails again soon after its start is waited for, and a stop ends the wait.
echo 3 >"$FAILURES/engine"
: >"$work/console"
busybox ash "$scripts/run-logged" engine "$work/log6" false &
logged=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	! grep -q 'in a row' "$work/console" || break
	sleep 0.2
done
expect 'the fourth failure in a row is waited for' grep -q 'engine!: 4 failures in a row; the next start is in 8 s' "$work/console"
kill -TERM "$logged"
status=0
wait "$logged" || status=$?
expect 'a stop ends the wait' test "$status" -eq 0
# shellcheck source=guest/overlay/usr/lib/mobyvm/back-off.sh
. "$scripts/back-off.sh"
expect 'pauses double up to a minute' test "$(for count in 1 2 3 4 5 6 7 8 1000; do pause_after $count; done | tr '\n' ' ')" = '0 2 4 8 16 32 60 60 60 '
echo 5 >"$FAILURES/other"
back_off other -100
expect 'a service that ran well begins from nothing' test "$(cat "$FAILURES/other")" -eq 1
rm -rf "$FAILURES"

# What watches the log ends with the daemon, however soon that ends.
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	busybox ash "$scripts/run-logged" engine "$work/log4" true >/dev/null 2>&1
	rm -rf "$FAILURES"
done
sleep 0.2
# shellcheck disable=SC2009 # busybox has no pgrep that tells our own
expect 'many short runs leave no process' test "$(ps -e -o args | grep -c "[r]un-logged engine $work/log4")" -eq 0

# The log is cut when it is too long; the daemon continues to write at its end.
sed 's/^LOG_CHECK_SECONDS=.*/LOG_CHECK_SECONDS=0.2/; s/^MAXIMUM_LOG_BYTES=.*/MAXIMUM_LOG_BYTES=1000/; s/^KEPT_LOG_BYTES=.*/KEPT_LOG_BYTES=100/' \
	"$scripts/run-logged" >"$work/run-logged-small"
# shellcheck disable=SC2016 # for the inner shell
busybox ash "$work/run-logged-small" engine "$work/log3" sh -c 'seq 1 1000; sleep 1; echo after; sleep 0.3; exit 0'
expect 'a long log is cut' test "$(stat -c %s "$work/log3")" -lt 1000
expect 'what is written after the cut is kept' test "$(tail -n 1 "$work/log3")" = after
expect 'the end of what was cut is kept beside it' test "$(tail -n 1 "$work/log3.old")" = 1000
