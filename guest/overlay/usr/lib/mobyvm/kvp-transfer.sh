# shellcheck shell=sh
# Requests of the host: collected from the host's items, done once, answered in the guest's items. To be sourced, after
# kvp-pool.sh, by an agent that defines perform_request, which prints a result or "later".
#
#   host   NAME          "1 ID COUNT BYTES SHA256"
#          NAME#0 …      "ID BASE64", of which the body is joined
#   guest  NAME.result   "1 ID ok [TEXT]" or "1 ID error CODE ERRNO TEXT"
#
# What is remembered of a request, in files of its name: .answered (the result's value), .started ("ID UPTIME", while it is
# collected), .running (ID, while share-jobs.sh is at work), .gone (uptime at which its header vanished). Uptimes are in hundredths of a second.

AGENT_STATE=${AGENT_STATE:-/run/mobyvm/agent}
INCOMPLETE_HUNDREDTHS=1000
RESULT_KEPT_HUNDREDTHS=6000

# read_uptime: sets uptime, without another process
read_uptime() {
	read -r uptime _ </proc/uptime
	uptime=${uptime%.*}${uptime#*.}
}

# Bodies hold secrets: what they were written to is overwritten, then removed.
wipe() {
	for wiped_file; do
		shift
		[ ! -e "$wiped_file" ] || set -- "$@" "$wiped_file"
	done
	[ $# -eq 0 ] || shred -n 0 -z -u "$@" 2>/dev/null || rm -f "$@"
}

# transfer_look ITEMS NAME TEXT_FILE: what has come of a request, in one line:
#   absent | error ID CODE TEXT | incomplete ID CHUNK COUNT | complete ID BYTES SHA256   (its base64 is then in TEXT_FILE)
# A header without a usable id, above all one that the host has overwritten before removing it, counts as absent.
transfer_look() {
	LC_ALL=C awk -F '\t' -v name="$2" -v text_file="$3" '
		function is_number(text, digits) { return text ~ /^[0-9]+$/ && length(text) <= digits }
		{
			value = substr($0, length($1 $2) + 3)
			if ($2 == name) header = value
			else if (index($2, name "#") == 1) chunk[substr($2, length(name) + 2)] = value
		}
		END {
			words = split(header, word, / /)
			id = word[2]
			if (id !~ /^[a-z0-9]+$/ || length(id) > 32) { print "absent"; exit }
			if (word[1] != "1") { print "error", id, "version", "version", word[1], "is asked for, this guest knows 1"; exit }
			count = word[3]; bytes = word[4]; sum = word[5]
			if (words != 5 || !is_number(count, 2) || !is_number(bytes, 5) || sum !~ /^[0-9a-f]+$/ || length(sum) != 64 ||
				bytes > 65536 || count != (bytes == 0 ? 1 : int((bytes + 713) / 714))) {
				print "error", id, "malformed", "the header is not of the form: 1 ID COUNT BYTES SHA256"; exit
			}
			count += 0
			for (i = 0; i < count; i++) if (index(chunk[i], id " ") != 1) { print "incomplete", id, i, count; exit }
			for (i = 0; i < count; i++) {
				text = substr(chunk[i], length(id) + 2)
				if (length(text) > 952 || text !~ /^[A-Za-z0-9+\/=]*$/) { print "error", id, "malformed", "chunk", i, "is not base64 of at most 952 characters"; exit }
				printf "%s", text >text_file
			}
			print "complete", id, bytes, sum
		}' "$1"
}

# answer NAME ID RESULT: RESULT is "ok [TEXT]" or "error CODE ERRNO TEXT"
answer() {
	answer_text="1 $2 $3"
	case $answer_text in
	*[!\ -~]*) answer_text=$(printf '%s' "$answer_text" | LC_ALL=C tr -c '\040-\176' '?') ;;
	esac
	[ ${#answer_text} -le 880 ] || answer_text=$(printf '%s' "$answer_text" | head -c 880)
	printf '%s\n' "$answer_text" >"$AGENT_STATE/$1.answered"
	rm -f "$AGENT_STATE/$1.started"
	pool_put "$GUEST_POOL" "$1.result" "$answer_text"
}

# read_answered_id NAME: sets answered
read_answered_id() {
	answered=''
	[ ! -s "$AGENT_STATE/$1.answered" ] || read -r _ answered _ <"$AGENT_STATE/$1.answered"
}

# The host sent a request again that has been done, or our answer was lost: the same answer, and nothing else.
answer_again() {
	IFS= read -r answer_text <"$AGENT_STATE/$1.answered"
	[ "$(pool_get "$GUEST_POOL" "$1.result")" = "$answer_text" ] || pool_put "$GUEST_POOL" "$1.result" "$answer_text"
}

# begin_request NAME ID: sets started_at. The result of an earlier request stays until there is another: the host knows its
# own by the id.
begin_request() {
	if [ -s "$AGENT_STATE/$1.started" ]; then
		read -r started_id started_at <"$AGENT_STATE/$1.started"
		[ "$started_id" = "$2" ] && return
	fi
	read_uptime
	started_at=$uptime
	echo "$2 $started_at" >"$AGENT_STATE/$1.started"
}

# do_request NAME ID BYTES SHA256: the base64 is in $AGENT_STATE/text
do_request() {
	body=$AGENT_STATE/body
	[ -e "$AGENT_STATE/text" ] || : >"$AGENT_STATE/text"
	base64 -d <"$AGENT_STATE/text" >"$body" 2>/dev/null
	body_sum=$(sha256sum <"$body")
	if [ "${body_sum%% *}" != "$4" ]; then
		request_result="error checksum 0 the chunks do not make up the $3 bytes that the header names"
	else
		request_result=$(perform_request "$1" "$body" "$2")
		[ -n "$request_result" ] || request_result='error apply 0 the agent gave no result'
	fi
	wipe "$AGENT_STATE/text" "$body"
	[ "$request_result" = later ] || answer "$1" "$2" "$request_result"
}

# The result of a request whose header has gone stays for a while, for a host that has not read it yet.
request_is_gone() {
	[ ! -e "$AGENT_STATE/$1.started" ] || rm -f "$AGENT_STATE/$1.started"
	[ -e "$AGENT_STATE/$1.answered" ] || return 0
	[ ! -e "$AGENT_STATE/$1.gone" ] || return 0
	read_uptime
	echo "$uptime" >"$AGENT_STATE/$1.gone"
}

# job_is_running NAME ID: it does what the request wants, and is not done yet
job_is_running() {
	[ -e "$AGENT_STATE/$1.running" ] && read -r running_id <"$AGENT_STATE/$1.running" && [ "$running_id" = "$2" ]
}

# look_at_request ITEMS NAME: status 1 when it must be looked at again although nothing changes
look_at_request() {
	look=$(transfer_look "$1" "$2" "$AGENT_STATE/text")
	look_kind=${look%% *} look_rest=${look#* }
	look_id=${look_rest%% *}
	if [ "$look_kind" = absent ]; then
		request_is_gone "$2"
		return 0
	fi
	[ ! -e "$AGENT_STATE/$2.gone" ] || rm -f "$AGENT_STATE/$2.gone"
	read_answered_id "$2"
	if [ "$answered" = "$look_id" ]; then
		wipe "$AGENT_STATE/text"
		answer_again "$2"
		return 0
	fi
	if job_is_running "$2" "$look_id"; then
		wipe "$AGENT_STATE/text"
		return 0
	fi
	begin_request "$2" "$look_id"
	look_rest=${look_rest#* }
	case $look_kind in
	complete) do_request "$2" "$look_id" "${look_rest% *}" "${look_rest#* }" ;;
	error)
		wipe "$AGENT_STATE/text"
		answer "$2" "$look_id" "error ${look_rest%% *} 0 ${look_rest#* }"
		;;
	incomplete)
		read_uptime
		[ $((uptime - started_at)) -ge "$INCOMPLETE_HUNDREDTHS" ] || return 1
		answer "$2" "$look_id" "error incomplete 0 chunk ${look_rest% *} of ${look_rest#* } did not come"
		;;
	esac
}

# known_requests: names of requests that something is remembered of
known_requests() {
	for known_file in "$AGENT_STATE"/*.answered "$AGENT_STATE"/*.started; do
		[ -e "$known_file" ] || continue
		known_file=${known_file##*/}
		echo "${known_file%.*}"
	done
}

forget_old_results() {
	for gone_file in "$AGENT_STATE"/*.gone; do
		[ -e "$gone_file" ] || continue
		read -r gone_at <"$gone_file"
		gone_name=${gone_file##*/}
		gone_name=${gone_name%.gone}
		read_uptime
		if [ $((uptime - gone_at)) -ge "$RESULT_KEPT_HUNDREDTHS" ]; then
			pool_remove "$GUEST_POOL" "$gone_name.result"
			rm -f "$gone_file" "$AGENT_STATE/$gone_name.answered"
		fi
	done
}
