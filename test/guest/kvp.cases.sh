# What does the agent make of the host's items? Run by check.sh: SCRIPTS WORK.
# Pools are files that are put together here; the clock, the host name and the console are files too.

scripts=$1 work=$2
umask 077
MOBYVM_CONSOLE=$work/console
RTC=$work/none
CLOCK_LOCK=$work/clock.lock CLOCK_SERVICE_LOCK=$work/clock-service.lock
IMAGE_DATE_FILE=$work/image
touch -d '2025-01-01 00:00:00' "$IMAGE_DATE_FILE"
image_seconds=$(stat -c %Y "$IMAGE_DATE_FILE")
POOLS=$work/pools AGENT_STATE=$work/agent
RUN=$work/run ETC=$work/etc
CONFIGURED_MARK=$work/run/configured
ENGINE_REACH_FILE=$work/run/engine-reach
ENGINE_TLS_FOLDER=$work/run/tls
DMI_ENTRIES=$work/dmi VMBUS=$work/no-vmbus
for script in console clock network configuration engine-listeners kvp-pool kvp-transfer kvp-time kvp-sync json-settings kvp-config kvp-clock share-jobs; do
	. "$scripts/$script.sh"
done
# mktemp's folder is on no RAM disk here: nothing is secret in the tests.
wipe() { rm -f "$@"; }
usleep() { :; }
hostname() { echo "$1" >"$work/host-name"; }
system_ms() { cat "$work/clock"; }
set_system_seconds() { [ ! -e "$work/clock-stays" ] && echo "$1" >"$work/clock"; }
read_uptime() { uptime=$(cat "$work/uptime"); }
perform_request() {
	echo "$1" >>"$work/performed"
	cp "$2" "$work/performed-body"
	if [ -e "$work/real" ]; then apply_configuration "$2"; else cat "$work/outcome"; fi
}

fresh() {
	rm -rf "$POOLS" "$AGENT_STATE" "$RUN" "$ETC" "$work/performed" "$work/real" "$work/dmi" "$work/host-name" "$work/clock-stays"
	mkdir -p "$POOLS" "$AGENT_STATE" "$RUN" "$ETC/docker"
	: >"$HOST_POOL"
	: >"$GUEST_POOL"
	: >"$work/console"
	echo 100000 >"$work/uptime"
	echo 1790000000000 >"$work/clock"
	echo ok >"$work/outcome"
}

# expect NAME COMMAND...
expect() {
	case_name=$1
	shift
	if "$@" >"$work/output" 2>&1; then
		echo "ok kvp: $case_name"
	else
		echo "FAIL kvp: $case_name: $* => $(tr '\n\000' ';.' <"$work/output" | head -c 300)"
	fi
}

# is WANTED COMMAND...
is() {
	is_wanted=$1
	shift
	is_got=$("$@")
	[ "$is_got" = "$is_wanted" ] || {
		echo "wanted \"$is_wanted\", got \"$is_got\""
		return 1
	}
}
not() { ! "$@"; }

# record KEY VALUE [KEY_TAIL VALUE_TAIL]: the tails stand behind the NUL, as the daemon leaves them
record() {
	{
		printf '%s\0%s' "$1" "${3:-}"
		head -c 512 /dev/zero
	} | head -c 512
	{
		printf '%s\0%s' "$2" "${4:-}"
		head -c 2048 /dev/zero
	} | head -c 2048
}

sum_of() { printf '%s' "$1" | sha256sum | cut -d' ' -f1; }

# chunks ID BODY: records of the chunks, NAME being mobyvm.config
chunks() {
	chunk_text=$(printf '%s' "$2" | base64 | tr -d '\n')
	chunk_number=0
	while :; do
		record "mobyvm.config#$chunk_number" "$1 $(printf '%s' "$chunk_text" | head -c 952)"
		chunk_text=$(printf '%s' "$chunk_text" | tail -c +953)
		chunk_number=$((chunk_number + 1))
		[ -n "$chunk_text" ] || break
	done
}
header() { record mobyvm.config "1 $1 $(((${#2} + 713) / 714)) ${#2} $(sum_of "$2")"; }

look() {
	pool_list "$HOST_POOL" >"$work/items"
	look_at_request "$work/items" mobyvm.config
}
result() { pool_get "$GUEST_POOL" mobyvm.config.result; }
# the result without the text for people
result_code() {
	code_words=$(result)
	echo "${code_words%% 0 *}"
}
performed() { if [ -e "$work/performed" ]; then grep -c '' "$work/performed"; else echo 0; fi; }
in_one_line() { "$@" | tr '\n' ' '; }
places() { pool_list "$HOST_POOL" | cut -f1; }
listens() { engine_listener_arguments "$1" 10.0.75.2 | grep -q "$2"; }

tab=$(printf '\t')

# --- pools ---
fresh
expect 'an empty pool has no items' is '' pool_list "$HOST_POOL"
{
	record a one xyz 'older and longer'
	record b ''
	record "t${tab}b" 'left out'
	record c "$(printf 'two\nlines')"
	record '' 'no key'
	record d four
	printf 'half a record'
} >"$HOST_POOL"
expect 'text after the first NUL is ignored' is one pool_get "$HOST_POOL" a
expect 'an empty value is a value' is '' pool_get "$HOST_POOL" b
expect 'only complete records with a key are listed, by position' is '0 1 3 5 ' in_one_line places
expect 'a value after a newline is found' is four pool_get "$HOST_POOL" d
expect 'a part of a key is not the key' is '' pool_get "$HOST_POOL" on
expect 'an incomplete pool is not read' not pool_copy "$HOST_POOL" "$work/copy"
record a one >"$HOST_POOL"
expect 'a complete pool is read' pool_copy "$HOST_POOL" "$work/copy"

fresh
{
	record x "$(printf 'a\nb')" tail 'other tail'
	record y 2
	record z 3 q r
} >"$GUEST_POOL"
cp "$GUEST_POOL" "$work/before"
pool_put "$GUEST_POOL" new 'one two'
expect 'setting adds a record' is 10240 stat -c %s "$GUEST_POOL"
expect 'setting stores the value' is 'one two' pool_get "$GUEST_POOL" new
head -c 7680 "$GUEST_POOL" >"$work/after"
expect 'other records stay, byte by byte' cmp "$work/before" "$work/after"
pool_put "$GUEST_POOL" y changed
expect 'setting again replaces the record' is 10240 stat -c %s "$GUEST_POOL"
expect 'with the new value' is changed pool_get "$GUEST_POOL" y
pool_remove "$GUEST_POOL" y
pool_remove "$GUEST_POOL" new
{
	record x "$(printf 'a\nb')" tail 'other tail'
	record z 3 q r
} >"$work/wanted"
expect 'removing leaves the others, byte by byte' cmp "$work/wanted" "$GUEST_POOL"
pool_remove "$GUEST_POOL" absent
expect 'removing a missing key changes nothing' cmp "$work/wanted" "$GUEST_POOL"
expect 'a pool stays readable for root only' is 600 stat -c %a "$GUEST_POOL"

# --- transfers ---
long=$(head -c 2000 /dev/zero | tr '\000' 'a')
fresh
{
	chunks id1 "$long"
	header id1 "$long"
} >"$HOST_POOL"
look
expect 'a body is assembled from three chunks' is "$long" cat "$work/performed-body"
expect 'and is answered' is '1 id1 ok' result
expect 'only the answer is remembered' is 'mobyvm.config.answered' ls "$AGENT_STATE"
look
expect 'a request with the same id is not performed again' is 1 performed
pool_remove "$GUEST_POOL" mobyvm.config.result
look
expect 'but answered again' is '1 id1 ok' result
expect 'still without performing it' is 1 performed

{
	header id2 "$long"
	record other whatever
	chunks id1 "$long"
	chunks id2 "$long" | tail -c 5120
} >"$HOST_POOL"
expect 'chunks of another id do not complete it' not look
expect 'the result of an earlier request stays until there is another' is '1 id1 ok' result
{
	header id2 "$long"
	chunks id2 "$long" | tail -c 5120
	chunks id2 "$long" | head -c 2560
} >"$HOST_POOL"
look
expect 'chunks can arrive in any order' is '1 id2 ok' result

fresh
{
	chunks id3 "$long" | head -c 2560
	chunks id3 "$long" | tail -c 2560
	header id3 "$long"
} >"$HOST_POOL"
expect 'a missing chunk: the pool is read again' not look
echo 100999 >"$work/uptime"
expect 'for 10 seconds' not look
expect 'without an answer' is '' result
echo 101000 >"$work/uptime"
look
expect 'then the request fails' is '1 id3 error incomplete 0 chunk 1 of 3 did not come' result
chunks id3 "$long" >>"$HOST_POOL"
look
expect 'and stays failed' is '1 id3 error incomplete 0 chunk 1 of 3 did not come' result
expect 'without ever being performed' is 0 performed

fresh
{
	chunks id4 "${long}b"
	header id4 "${long}c"
} >"$HOST_POOL"
look
expect 'a wrong checksum' is '1 id4 error checksum' result_code
expect 'is not performed' is 0 performed

# header_gives VALUE: the result for this header
header_gives() {
	fresh
	{
		record mobyvm.config "$1"
		record mobyvm.config#0 'i5 YWJj'
	} >"$HOST_POOL"
	look
	result_code
}
abc=$(sum_of abc)
expect 'the shortest body' is '1 i5 ok' header_gives "1 i5 1 3 $abc"
expect 'another version' is '1 i5 error version' header_gives "2 i5 1 3 $abc"
expect 'another version without a usable id' is '' header_gives '2 I5 what ever'
expect 'an overwritten header' is '' header_gives '---------------------------------------------'
expect 'an empty header' is '' header_gives ''
expect 'an id of 33 characters' is '' header_gives "1 abcdefghijklmnopqrstuvwxyz0123456 1 3 $abc"
expect 'too few words' is '1 i5 error malformed' header_gives '1 i5 1 3'
expect 'too many words' is '1 i5 error malformed' header_gives "1 i5 1 3 $abc x"
expect 'two spaces' is '1 i5 error malformed' header_gives "1 i5  1 3 $abc"
expect 'an invalid number' is '1 i5 error malformed' header_gives "1 i5 1 0x3 $abc"
expect 'a count that does not match the size' is '1 i5 error malformed' header_gives "1 i5 2 3 $abc"
expect 'a body that is too large' is '1 i5 error malformed' header_gives "1 i5 92 65537 $abc"
expect 'an upper-case checksum' is '1 i5 error malformed' header_gives "1 i5 1 3 $(printf '%s' "$abc" | tr a-f A-F)"
fresh
{
	record mobyvm.config "1 i5 1 3 $abc"
	record mobyvm.config#0 '-------' '' YWJj
} >"$HOST_POOL"
expect 'a chunk that the host has overwritten counts as missing' not look

fresh
{
	record mobyvm.config "1 i6 1 0 $(sum_of '')"
	record mobyvm.config#0 'i6 '
} >"$HOST_POOL"
look
expect 'an empty body' is '1 i6 ok' result

fresh
{
	record mobyvm.config "1 i7 1 3 $abc"
	record mobyvm.config#0 'i7 YW Jj'
} >"$HOST_POOL"
look
expect 'a chunk that is not base64' is '1 i7 error malformed' result_code

fresh
printf 'error mount 13 bad\tpässword' >"$work/outcome"
{
	record mobyvm.config "1 i8 1 3 $abc"
	record mobyvm.config#0 'i8 YWJj'
} >"$HOST_POOL"
look
expect 'a result is one line of printable ASCII' is '1 i8 error mount 13 bad?p??ssword' result
{
	printf 'error mount 5 '
	head -c 2000 /dev/zero | tr '\000' x
} >"$work/outcome"
{
	record mobyvm.config "1 i9 1 3 $abc"
	record mobyvm.config#0 'i9 YWJj'
} >"$HOST_POOL"
look
got=$(result)
expect 'and of limited length' is 880 echo "${#got}"
: >"$HOST_POOL"
look
forget_old_results
expect 'a result stays after the request is removed' is "$got" result
echo 105999 >"$work/uptime"
forget_old_results
expect 'for a minute' is "$got" result
echo 106000 >"$work/uptime"
forget_old_results
expect 'then it is removed' is '' result
expect 'with everything remembered about it' is '' ls "$AGENT_STATE"

# --- configuration ---
field() { printf '%s %s\n' "$1" "$(printf '%s' "$2" | base64 | tr -d '\n')"; }
started_at=100000
image_json() { printf '{\n\t"storage-driver": "overlay2",\n\t"log-level": "warn"\n}\n' >"$ETC/docker/daemon.json"; }
pem() { printf -- '-----BEGIN %s-----\n%s\n-----END %s-----\n' "$1" "$2" "$1"; }
# apply FIELD...: the result of a body with these fields
apply() {
	{
		echo 'mobyvm-config 1'
		while [ $# -gt 0 ]; do
			field "$1" "$2"
			shift 2
		done
		echo end
	} >"$work/body"
	apply_configuration "$work/body"
}
apply_fresh() {
	fresh
	image_json
	printf '127.0.0.1 localhost\n127.0.1.1 moby\n' >"$ETC/hosts"
	apply "$@"
}
ca=$(pem CERTIFICATE ca) server=$(pem CERTIFICATE server) key=$(pem 'PRIVATE KEY' secret)
token=0123456789abcdef_-

expect 'a whole configuration' is ok apply_fresh token "$token" daemon-json '{"log-level":"info"}' ca-cert "$ca" server-cert "$server" \
	server-key "$key" host-name moby2 stop-seconds 90 swap-mib 512 time 1790000100.123 unknown-key whatever
expect 'the token is there' is "$token" cat "$RUN/token"
expect 'for root only' is 600 stat -c %a "$RUN/token"
expect 'the key is there' is "$key" cat "$RUN/tls/server-key.pem"
got=$(stat -c %a "$RUN/tls/server-key.pem" "$RUN/tls" | tr '\n' ' ')
expect 'in a folder for root only' is '600 700 ' echo "$got"
expect 'the time for a shutdown is kept' is 90 cat "$RUN/stop-seconds"
expect 'the size of the swap space is kept' is 512 cat "$RUN/swap-mib"
expect 'the host name is set' is moby2 cat "$work/host-name"
expect 'and is in /etc/hosts' grep -qx '127.0.1.1 moby2' "$ETC/hosts"
expect 'whose other lines stay' grep -qx '127.0.0.1 localhost' "$ETC/hosts"
expect 'the clock is stepped' is 1790000101 cat "$work/clock"
expect 'the image'"'"'s settings stay where the host sets none' grep -q '"storage-driver": "overlay2"' "$ETC/docker/daemon.json"
expect 'the host'"'"'s win' not grep -q warn "$ETC/docker/daemon.json"
expect 'dockerd may read them' is 644 stat -c %a "$ETC/docker/daemon.json"
expect 'the merged file is JSON' is 'storage-driver log-level ' in_one_line json_settings "$ETC/docker/daemon.json"
expect 'the names of the fields are printed' grep -q 'config: applied: token daemon-json ca-cert server-cert server-key host-name stop-seconds swap-mib time$' "$work/console"
expect 'no secret is printed' not grep -qE "$token|secret" "$work/console"
expect 'the engine is notified' test -e "$CONFIGURED_MARK"
expect 'no field is left behind' is '' ls "$AGENT_STATE"
apply daemon-json '{}' >/dev/null
expect 'an empty daemon.json brings back the image'"'"'s' grep -q '"log-level": "warn"' "$ETC/docker/daemon.json"
expect 'fields that are not in a body are kept' is "$token" cat "$RUN/token"
expect 'a new certificate with its key' is ok apply server-cert "$(pem CERTIFICATE new)" server-key "$key"
expect 'takes the old one'"'"'s place' grep -qx new "$RUN/tls/server.pem"

expect 'the time alone' is ok apply_fresh time 1790000001.999
expect 'does not count as a configuration' not test -e "$CONFIGURED_MARK"
expect 'the time alone, at most a second off' is ok apply_fresh time 1790000001.000
expect 'is left alone' is 1790000000000 cat "$work/clock"
expect 'a second behind, too' is ok apply_fresh time 1789999999.000
expect 'is left alone, too' is 1790000000000 cat "$work/clock"
expect 'a little more than a second' is ok apply_fresh time 1790000001.001
expect 'is stepped, when the host'"'"'s next second begins' is 1790000002 cat "$work/clock"
started_at=99700
expect 'a time that came three seconds ago' is ok apply_fresh time 1789999997.500
expect 'is the time of three seconds ago' is 1790000000000 cat "$work/clock"
started_at=100000
expect 'a certificate without its key' is 'error apply 0 ca-cert, server-cert and server-key are needed together' apply_fresh ca-cert "$ca" server-cert "$server"
expect 'is not put in place' not test -e "$RUN/tls/ca.pem"
expect 'a setting that the guest makes itself' is 'error apply 0 daemon-json must not set "hosts": the guest does' \
	apply_fresh token "$token" daemon-json '{ "hosts": ["tcp://0.0.0.0:2375"] }'
expect 'nothing of that body is put in place' not test -e "$RUN/token"
expect 'and the host reads why on the console' grep -q 'config!: daemon-json must not set' "$work/console"
expect 'the same name at a deeper level is allowed' is ok apply_fresh daemon-json '{"x":{"hosts":1},"y":"\"tls\":"}'

for bad in 'daemon-json [1]' 'daemon-json {"a":1' 'daemon-json {} {}' 'daemon-json none' 'token short' 'token 0123456789abcdef/' \
	'host-name Moby' 'host-name -a' 'host-name a.b' 'stop-seconds 0' 'stop-seconds -1' 'stop-seconds 1.5' 'stop-seconds 12345' 'swap-mib 0' 'swap-mib -5' 'swap-mib 12345678' 'time 17' 'time 1.5' 'time -1.000' 'ca-cert x' 'server-key x'; do
	expect "a bad field: $bad" is "error malformed 0 the field ${bad%% *} is malformed" apply_fresh "${bad%% *}" "${bad#* }"
done
expect 'two lines of token' is 'error malformed 0 the field token is malformed' apply_fresh token "$token
$token"

body_gives() {
	fresh
	image_json
	printf '%b' "$1" >"$work/body"
	answer_words=$(apply_configuration "$work/body")
	echo "${answer_words%% 0 *}"
}
expect 'a body of another kind' is 'error malformed' body_gives 'mobyvm-share 1\nend\n'
expect 'a body of another version' is 'error malformed' body_gives 'mobyvm-config 2\nend\n'
expect 'a truncated body' is 'error malformed' body_gives 'mobyvm-config 1\ntoken \n'
expect 'a body without its last newline' is 'error malformed' body_gives 'mobyvm-config 1\nend'
expect 'a field that is not base64' is 'error malformed' body_gives 'mobyvm-config 1\ntoken *#*\nend\n'
expect 'an empty body' is 'error malformed' body_gives ''
expect 'a body without fields' is ok body_gives 'mobyvm-config 1\nend\n'

# --- writing to the disk ---
sync() { [ ! -e "$work/sync-fails" ] || { echo 'sync: input/output error' >&2; return 1; }; }
fresh
printf 'mobyvm-sync 1\nend\n' >"$work/body"
expect 'what is in the memory is written to the disk' is ok apply_sync_request "$work/body"
: >"$work/sync-fails"
expect 'a disk that cannot be written to' is 'error sync 0 sync: input/output error' apply_sync_request "$work/body"
printf 'mobyvm-sync 2\nend\n' >"$work/body"
expect 'another version of the request' is 'error malformed 0 the body does not begin with "mobyvm-sync 1" and end with "end"' \
	apply_sync_request "$work/body"
unset -f sync

# --- the time ---
# ask_time FIELD...: the result of a request with these fields
ask_time() {
	{
		echo 'mobyvm-time 1'
		while [ $# -gt 0 ]; do
			field "$1" "$2"
			shift 2
		done
		echo end
	} >"$work/body"
	apply_time_request "$work/body"
}
fresh
expect 'a correct clock is kept' is 'ok 0 kept' ask_time time 1790000000.000
expect 'a clock that is a second ahead is kept' is 'ok 1000 kept' ask_time time 1789999999.000
expect 'a clock that is a second behind is kept' is 'ok -1000 kept' ask_time time 1790000001.000
expect 'and not set' is 1790000000000 cat "$work/clock"
expect 'a clock that is an hour behind is stepped' is 'ok -3600500 stepped' ask_time time 1790003600.500
expect 'when the next second of the host begins' is 1790003601 cat "$work/clock"
expect 'which is printed on the console' grep -q 'clock: stepped by 3600500 ms, by the host.s time$' "$work/console"
expect 'no field is left behind' is '' ls "$AGENT_STATE"
expect 'a time does not count as a configuration' not test -e "$CONFIGURED_MARK"
fresh
expect 'a clock that is a little more than a second ahead is stepped back' is 'ok 1001 stepped' ask_time time 1789999998.999
fresh
started_at=99700
expect 'a time that came three seconds ago has grown by them' is 'ok 0 kept' ask_time time 1789999997.000
started_at=100000
expect 'the date of the image is a time' is "ok $((1790000000000 - image_seconds * 1000)) stepped" ask_time time "$image_seconds.000"
fresh
expect 'a time before it is refused' is "error time 0 the host's time $((image_seconds - 1)).999 is before this image was built or after 2099" \
	ask_time time "$((image_seconds - 1)).999"
expect 'a time after 2099 is refused' is "error time 0 the host's time 4102444800.000 is before this image was built or after 2099" \
	ask_time time 4102444800.000
expect 'and the clock is not set' is 1790000000000 cat "$work/clock"
expect 'a request without a time' is 'error malformed 0 the field time is missing or malformed' ask_time other 1
for bad in 17 1.5 -1.000 '1790000000.000 1' '1790000000.000; reboot' ''; do
	expect "a bad time: $bad" is 'error malformed 0 the field time is missing or malformed' ask_time time "$bad"
done
printf 'mobyvm-time 2\nend\n' >"$work/body"
expect 'a time of another version' is 'error malformed 0 the body does not begin with "mobyvm-time 1" and end with "end"' \
	apply_time_request "$work/body"
: >"$work/clock-stays"
expect 'a clock that cannot be set' is 'error time 0 the clock could not be set: ' ask_time time 1790003600.000
fresh
exec 8>>"$CLOCK_SERVICE_LOCK"
flock 8
expect 'while the clock service runs, the clock is left to it' is 'ok -3600000 rtc' ask_time time 1790003600.000
expect 'and not set by the host' is 1790000000000 cat "$work/clock"
exec 8>&-
expect 'when it has ended, the host steps the clock' is 'ok -3600000 stepped' ask_time time 1790003600.000

# --- the clock, to the millisecond ---
# ask_clock [ADJUST]: the result of a request with this field
ask_clock() {
	{
		echo 'mobyvm-clock 1'
		[ $# -eq 0 ] || field adjust "$1"
		echo end
	} >"$work/body"
	apply_clock_request "$work/body"
}
STEP_CLOCK=step_clock
step_clock() {
	[ ! -e "$work/clock-stays" ] || { echo 'step-clock: Operation not permitted' >&2; return 1; }
	echo "$1" >"$work/moved"
}
fresh
rm -f "$work/moved"
TZ=UTC touch -d '2026-09-21 14:13:20' "$HOST_POOL"
expect 'the host is told when its pool was written' is 'ok 1790000000000' ask_clock
expect 'and the clock stays' not test -e "$work/moved"
expect 'a clock that is behind is moved forward' is 'ok 1790000000000' ask_clock 250
expect 'by as much' is 250 cat "$work/moved"
expect 'which is printed on the console' grep -q 'clock: moved by 250 ms, by the host.s time$' "$work/console"
expect 'a clock that is ahead is moved back' is 'ok 1790000000000' ask_clock -2000
expect 'by as much' is -2000 cat "$work/moved"
rm -f "$work/moved"
for bad in '' - 1.5 2001 -2001 12345 x '1 2' '5; reboot' --5; do
	expect "a bad correction: $bad" is 'error malformed 0 the field adjust is malformed' ask_clock "$bad"
done
expect 'moves nothing' not test -e "$work/moved"
expect 'no field is left behind' is '' ls "$AGENT_STATE"
: >"$work/clock-stays"
expect 'a clock that cannot be moved' is 'error clock 0 the clock could not be moved: step-clock: Operation not permitted' ask_clock 5
unset -f step_clock

# --- who waits for it ---
fresh
expect 'a machine without a configuring host does not wait' wait_for_configuration
expect 'its engine listens without TLS' is plain engine_reach
mkdir -p "$DMI_ENTRIES/11-0"
printf '\013\005\000\013\002something\000mobyvm.config=kvp\000\000' >"$DMI_ENTRIES/11-0/raw"
expect 'the host announces a configuration' configuration_is_expected
expect 'until then the engine is not reachable from outside' is inside engine_reach
expect 'and has no listener arguments' not listens inside tcp
CONFIGURATION_WAIT_SECONDS=1
expect 'without a configuration the engine starts anyway' not wait_for_configuration
expect 'and reports that' grep -q 'config!: nothing came from the host within 1 s' "$work/console"
mkdir "$RUN/tls"
for part in ca server server-key; do echo x >"$RUN/tls/$part.pem"; done
: >"$CONFIGURED_MARK"
expect 'a configuration ends the wait' wait_for_configuration
expect 'the engine listens with TLS' is tls engine_reach
expect 'on its own port' listens tls '10.0.75.2:2376 --tlsverify '
expect 'and on no other' not listens tls 2375
printf '\013\005\000\013\001mobyvm.config=kvps\000\000' >"$DMI_ENTRIES/11-0/raw"
expect 'another text is not an announcement' not configuration_is_expected
