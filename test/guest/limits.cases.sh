# The kernel's limits that containers rely on. Run by check.sh: SCRIPTS WORK.

scripts=$1 work=$2
etc=$scripts/../../../etc

# expect NAME COMMAND...
expect() {
	case_name=$1
	shift
	if "$@" >"$work/output" 2>&1; then
		echo "ok limits: $case_name"
	else
		echo "FAIL limits: $case_name: $(tr '\n' ';' <"$work/output")"
	fi
}

# at_least NAME MINIMUM: what kernel-limits.conf sets
at_least() {
	awk -v name="$1" -v minimum="$2" '
		$1 == name && $2 == "=" { value = $3 }
		END { print value; exit value + 0 < minimum }' "$etc/mobyvm/kernel-limits.conf"
}

expect 'Elasticsearch can map its files (docker/for-mac#7047)' at_least vm.max_map_count 262144
expect 'a project with many files can be watched' at_least fs.inotify.max_user_watches 524288
expect 'many programs can watch files' at_least fs.inotify.max_user_instances 512
expect 'each user can have more than 200 keys' at_least kernel.keys.maxkeys 20000
expect 'every line is one that sysctl understands' sh -c "! grep -vE '^(#.*|[a-z_.]+ = [0-9]+|)\$' '$etc/mobyvm/kernel-limits.conf'"
expect 'they are set before anything else starts' grep -q 'sysctl -q -p /etc/mobyvm/kernel-limits.conf' "$etc/init.d/mobyvm-early"

# Containers inherit these from containerd's shims (rancher-desktop#713). Only a privileged shell could try them out.
# OpenRC (apply_ulimits in openrc-run.sh) takes pairs of one word with the options and one with the value.
set_hard_limit() {
	sed -n 's/^rc_ulimit="-Hn \([0-9]*\)"$/\1/p' "$etc/init.d/containerd"
}
expect 'a container may open 1048576 files, and the soft limit is left alone' test "$(set_hard_limit)" -eq 1048576
