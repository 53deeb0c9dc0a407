# shellcheck shell=sh
# Hyper-V's pool files: records of 512 bytes key and 2048 bytes value, filled up with NULs. To be sourced.
#
# hv_kvp_daemon reads a pool before each operation and rewrites it in place after, under an fcntl lock that a shell cannot take
# (tools/hv/hv_kvp_daemon.c, kvp_update_mem_state, kvp_update_file). So a reader trusts only a whole number of records that it
# reads twice; and a writer renames a new file over the old one, which the daemon sees either before or after, because it
# opens the pool by name each time. Pool 1 has one writer, the agent; the daemon writes it only if the host sets items
# there, and ours does not.

POOLS=${POOLS:-/run/mobyvm/pools}
# shellcheck disable=SC2034 # for those who source this
HOST_POOL=$POOLS/.kvp_pool_0
# shellcheck disable=SC2034
GUEST_POOL=$POOLS/.kvp_pool_1
RECORD_BYTES=2560

# pool_list FILE: a line "INDEX TAB KEY TAB VALUE" per record. Only the text before the first NUL of a field counts: the
# daemon leaves the tail of an older, longer text behind it. For awk the pool is one line: 0xFF and 0xFE, which UTF-8 does
# not have, stand for NUL and newline. Keys with a newline or a TAB are never mobyvm's, and left out.
pool_list() {
	LC_ALL=C tr '\000\n' '\377\376' <"$1" | LC_ALL=C awk '
		function text(field, end) {
			end = index(field, "\377")
			return end ? substr(field, 1, end - 1) : field
		}
		{
			bytes = length($0)
			for (at = 0; at + 2560 <= bytes; at += 2560) {
				key = text(substr($0, at + 1, 512))
				if (key == "" || key ~ /[\t\376]/) continue
				printf "%d\t%s\t%s\n", at / 2560, key, text(substr($0, at + 513, 2048))
			}
		}'
}

# pool_index FILE KEY: "NUMBER COUNT" of the first record with that key, and of all records; "- COUNT" without one
pool_index() {
	LC_ALL=C tr '\000\n' '\377\376' <"$1" | LC_ALL=C awk -v key="$2" '
		{
			found = "-"
			bytes = length($0)
			for (at = 0; at + 2560 <= bytes && found == "-"; at += 2560)
				if (substr($0, at + 1, length(key) + 1) == key "\377") found = at / 2560
		}
		END { print (NR ? found : "-"), int(bytes / 2560) }'
}

# pool_get FILE KEY: the value of one of mobyvm's keys (they have no newline), or nothing
pool_get() {
	pool_list "$1" | LC_ALL=C awk -F '\t' -v key="$2" '$2 == key { print substr($0, length($1 $2) + 3); exit }'
}

# pool_without FILE KEY: writes FILE.new, and sets pool_kept to the number of its records. Other records are copied as they
# are, byte by byte. Status 1 without such a record.
pool_without() {
	pool_place=$(pool_index "$1" "$2")
	pool_found=${pool_place% *}
	pool_kept=${pool_place#* }
	if [ "$pool_found" = - ]; then
		head -c $((pool_kept * RECORD_BYTES)) "$1" >"$1.new"
		return 1
	fi
	pool_kept=$((pool_kept - 1))
	head -c $((pool_found * RECORD_BYTES)) "$1" >"$1.new"
	[ "$pool_found" -eq "$pool_kept" ] || {
		tail -c "+$(((pool_found + 1) * RECORD_BYTES + 1))" "$1" | head -c $(((pool_kept - pool_found) * RECORD_BYTES)) >>"$1.new"
	}
}

# pool_put FILE KEY VALUE: sets an item; the value is not secret and has no newline
pool_put() {
	pool_without "$1" "$2" || :
	printf '%s' "$2" >>"$1.new"
	truncate -s $((pool_kept * RECORD_BYTES + 512)) "$1.new"
	printf '%s' "$3" >>"$1.new"
	truncate -s $(((pool_kept + 1) * RECORD_BYTES)) "$1.new" && mv "$1.new" "$1"
}

# pool_remove FILE KEY
pool_remove() {
	if pool_without "$1" "$2"; then mv "$1.new" "$1"; else rm -f "$1.new"; fi
}

# pool_copy FILE COPY: a copy that is whole; status 1 if the daemon is writing just now
pool_copy() {
	cp "$1" "$2" && [ $(($(stat -c %s "$2") % RECORD_BYTES)) -eq 0 ] && cmp -s "$1" "$2"
}
