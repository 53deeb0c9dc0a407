# shellcheck shell=sh
# The host's configuration of the guest (request mobyvm.config): checked as a whole, then put in place. To be sourced, after
# console.sh, clock.sh, configuration.sh, json-settings.sh and kvp-time.sh, with umask 077.

RUN=${RUN:-/run/mobyvm}
ETC=${ETC:-/etc}
CONFIG_FIELDS='token daemon-json ca-cert server-cert server-key host-name stop-seconds swap-mib shares time'
TLS_FOLDER=$RUN/tls
DAEMON_JSON=$ETC/docker/daemon.json
# The image's own daemon.json, kept when the first one of the host takes its place.
IMAGE_DAEMON_JSON=$RUN/daemon.image.json
# Settings that engine-listeners.sh makes; dockerd refuses to start with both.
RESERVED_SETTINGS='hosts tls tlsverify tlscacert tlscert tlskey pidfile'

BODY_END='end
.'

# body_is_whole BODY KIND: the first line says what it is, the last that nothing was cut off
body_is_whole() {
	read -r body_head <"$1"
	# The substitution would drop line feeds at the end.
	[ "$body_head" = "$2" ] && body_tail=$(tail -n 1 "$1" && echo .) && [ "$body_tail" = "$BODY_END" ]
}

# read_fields BODY FOLDER KEY...: each of these keys that the body has, decoded, in a file of its name
read_fields() {
	fields_body=$1 fields_folder=$2
	shift 2
	while IFS=' ' read -r field_key field_value; do
		for field_known; do
			[ "$field_key" = "$field_known" ] || continue
			printf '%s' "$field_value" | base64 -d >"$fields_folder/$field_key" 2>/dev/null || return 1
		done
	done <"$fields_body"
}

# with_fields BODY KIND COMMAND KEY...: runs the command in a folder that holds each of these fields of the body in a file of
# its name; prints the result
with_fields() {
	if ! body_is_whole "$1" "$2"; then
		echo "error malformed 0 the body does not begin with \"$2\" and end with \"end\""
		return
	fi
	with_body=$1 with_command=$3 with_folder=$AGENT_STATE/fields
	shift 3
	mkdir -p "$with_folder"
	if read_fields "$with_body" "$with_folder" "$@"; then
		(cd "$with_folder" && "$with_command")
	else
		echo 'error malformed 0 a field is not base64'
	fi
	wipe "$with_folder"/*
	rmdir "$with_folder"
}

# merge_daemon_json IMAGE HOST SETTINGS: the image's settings, one a line, as far as the host does not make them, and the
# host's
merge_daemon_json() {
	if [ -z "$3" ]; then
		cat "$1"
		return
	fi
	echo '{'
	sed -n 's/^[[:space:]]*\("[a-z-]*": .*[^,]\),*$/  \1,/p' "$1" | while IFS= read -r image_line; do
		image_setting=${image_line#*\"}
		printf '%s\n' "$3" | grep -qxF "${image_setting%%\"*}" || printf '%s\n' "$image_line"
	done
	awk '!begun { if (!(at = index($0, "{"))) next; begun = 1; $0 = substr($0, at + 1) } { print }' "$2"
}

# Names the first malformed field, in the folder with the fields. The engine waits while programs start, so one awk looks at
# all fields.
bad_field() {
	set --
	for form_field in token ca-cert server-cert server-key host-name stop-seconds swap-mib shares time; do
		[ ! -e "$form_field" ] || set -- "$@" "$form_field"
	done
	[ $# -eq 0 ] || LC_ALL=C awk '
		FNR == 1 { first[FILENAME] = $0 }
		{ lines[FILENAME]++ }
		/^-----BEGIN CERTIFICATE-----$/ { has_certificate[FILENAME] = 1 }
		/^-----BEGIN ([A-Z]+ )?PRIVATE KEY-----$/ { has_key[FILENAME] = 1 }
		function is_good(name, text) {
			if (name == "ca-cert" || name == "server-cert") return name in has_certificate
			if (name == "server-key") return name in has_key
			if (lines[name] != 1) return 0
			if (name == "token") return text ~ /^[A-Za-z0-9_-]+$/ && length(text) >= 16 && length(text) <= 128
			if (name == "host-name") return text ~ /^[a-z0-9-]+$/ && text !~ /^-|-$/ && length(text) <= 63
			if (name == "shares") return text ~ /^[A-Za-z0-9_-]+( [A-Za-z0-9_-]+)*$/ && length(text) <= 4160
			if (name == "swap-mib") return text ~ /^[1-9][0-9]*$/ && length(text) <= 7
			if (name == "stop-seconds") return text ~ /^[1-9][0-9]*$/ && length(text) <= 4
			return text ~ /^[1-9][0-9]*\.[0-9][0-9][0-9]$/ && length(text) <= 15
		}
		END { for (i = 1; i < ARGC; i++) if (!is_good(ARGV[i], first[ARGV[i]])) { print ARGV[i]; exit } }' "$@"
	[ ! -e daemon-json ] || json_settings daemon-json >daemon-json.settings || echo daemon-json
}

reserved_setting() {
	[ -e daemon-json.settings ] || return 0
	for reserved in $RESERVED_SETTINGS; do
		grep -xF "$reserved" daemon-json.settings
	done
}

# With a part of them dockerd could not start, or would listen without.
tls_would_be_partial() {
	tls_parts=0
	for tls_part in ca-cert:ca server-cert:server server-key:server-key; do
		if [ -e "${tls_part%:*}" ] || [ -e "$TLS_FOLDER/${tls_part#*:}.pem" ]; then tls_parts=$((tls_parts + 1)); fi
	done
	[ "$tls_parts" -ne 0 ] && [ "$tls_parts" -ne 3 ]
}

# place SOURCE TARGET: whole or not at all, readable for all
place() {
	cp "$1" "$2.new" && chmod 644 "$2.new" && mv "$2.new" "$2"
}

# place_secret FIELD TARGET: a field that the body has is moved; the fields are on the same file system, for root only
place_secret() {
	[ ! -e "$1" ] || mv "$1" "$2"
}

apply_host_name() {
	[ -e host-name ] || return 0
	read -r host_name <host-name || [ -n "$host_name" ]
	hostname "$host_name" || return 1
	echo "$host_name" >hostname.new
	sed "s/^127\.0\.1\.1 .*/127.0.1.1 $host_name/" "$ETC/hosts" >hosts.new
	place hostname.new "$ETC/hostname" && place hosts.new "$ETC/hosts"
}

# How long the host waits for a shutdown; stop-limits.sh reads it.
apply_stop_seconds() {
	[ ! -e stop-seconds ] || place stop-seconds "$RUN/stop-seconds"
}

# late-setup reads it.
apply_swap_mib() {
	[ ! -e swap-mib ] || place swap-mib "$RUN/swap-mib"
}

# The shares that the host is about to mount; share-gate.sh reads it.
apply_shares() {
	[ ! -e shares ] || place shares "$RUN/announced-shares"
}

apply_daemon_json() {
	[ -e daemon-json ] || return 0
	[ -e "$IMAGE_DAEMON_JSON" ] || cp "$DAEMON_JSON" "$IMAGE_DAEMON_JSON" || return 1
	merge_daemon_json "$IMAGE_DAEMON_JSON" daemon-json "$(cat daemon-json.settings)" >daemon.new &&
		place daemon.new "$DAEMON_JSON"
}

apply_tls() {
	[ -e ca-cert ] || [ -e server-cert ] || [ -e server-key ] || return 0
	mkdir -p "$TLS_FOLDER" || return 1
	place_secret ca-cert "$TLS_FOLDER/ca.pem" &&
		place_secret server-cert "$TLS_FOLDER/server.pem" &&
		place_secret server-key "$TLS_FOLDER/server-key.pem"
}

# In the folder with the fields. Prints the result.
apply_fields() {
	config_applied=''
	for config_field in $CONFIG_FIELDS; do
		[ ! -e "$config_field" ] || config_applied="$config_applied $config_field"
	done
	field=$(bad_field | head -n 1)
	[ -z "$field" ] || {
		echo "error malformed 0 the field $field is malformed"
		return
	}
	setting=$(reserved_setting | head -n 1)
	[ -z "$setting" ] || {
		echo "error apply 0 daemon-json must not set \"$setting\": the guest does"
		return
	}
	if tls_would_be_partial; then
		echo 'error apply 0 ca-cert, server-cert and server-key are needed together'
		return
	fi
	for part in time host_name stop_seconds swap_mib shares daemon_json tls; do
		"apply_$part" 2>reason || {
			echo "error apply 0 $part: $(head -n 1 reason)"
			return
		}
	done
	place_secret token "$RUN/token" || {
		echo 'error apply 0 token: it could not be written'
		return
	}
	configuration_applied "$config_applied"
	echo ok
}

# apply_configuration BODY: prints the result
apply_configuration() {
	# shellcheck disable=SC2086 # a list of words
	config_result=$(with_fields "$1" 'mobyvm-config 1' apply_fields $CONFIG_FIELDS)
	[ "$config_result" = ok ] || stage_error config "${config_result#error * 0 }"
	echo "$config_result"
}

# The engine waits for this. Time and host name alone are no configuration.
configuration_applied() {
	case $1 in
	*token* | *daemon-json* | *-cert*) : >"$CONFIGURED_MARK" ;;
	esac
	stage config "applied:$1"
}
