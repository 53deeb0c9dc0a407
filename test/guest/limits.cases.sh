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
expect 'every line is one that sysctl understands' sh -c "! grep -vE '^(#.*|[a-z_.-]+ = [0-9]+|)\$' '$etc/mobyvm/kernel-limits.conf'"
expect 'they are set before anything else starts' grep -q 'sysctl -q -p /etc/mobyvm/kernel-limits.conf' "$etc/init.d/mobyvm-early"

expect 'dockerd finds the controllers of memory and swap space in its group' \
	sh -c "grep -A 9 'cgroup2 /sys/fs/cgroup' '$etc/init.d/mobyvm-early' | grep -q 'in cpuset cpu io memory pids'"
expect 'Redis can take snapshots' at_least vm.overcommit_memory 1
expect 'a database can bypass the page cache' at_least fs.aio-max-nr 1048576
expect 'containers together may have more processes than an old system' at_least kernel.pid_max 4194304
expect 'all containers together may open more files than one of them' at_least fs.file-max 1048577

# Containers inherit these from containerd's shims (rancher-desktop#713). Only a privileged shell could try them out.
expect 'a container may open 1048576 files, and the soft limit is left alone; processes are not limited' \
	grep -qxF 'rc_ulimit="-Hn 1048576 -SHu unlimited"' "$etc/init.d/containerd"

# Lowering a limit needs no privilege.
cat >"$work/service" <<-'END'
	rc_ulimit="-Sn 100 -Hn 200 -SHu 4000"
	command=none
	start() {
	echo $(ulimit -Sn) $(ulimit -Hn) $(ulimit -Su) $(ulimit -Hu)
	}
END
expect 'a service gets each limit that it names, soft and hard' test \
	"$(RC_SVCNAME=service RC_LIBEXECDIR=$work/none busybox ash "$scripts/../../../../openrc/openrc-run.sh" "$work/service" start)" = '100 200 4000 4000'

. "$scripts/connection-limit.sh"
# limit_for KIB: the limit of a machine with that much memory
limit_for() {
	printf 'MemTotal:       %s kB\nMemFree:        1 kB\n' "$1" >"$work/meminfo"
	connection_limit "$work/meminfo"
}
expect 'a small machine keeps track of 65536 connections' test "$(limit_for 500000)" -eq 65536
expect 'a machine with 2 GiB keeps track of 131072 connections' test "$(limit_for 2097152)" -eq 131072
expect 'a large machine keeps track of 1048576 connections at most' test "$(limit_for 134217728)" -eq 1048576
: >"$work/meminfo"
expect 'without an answer of the kernel the limit is the smallest' test "$(connection_limit "$work/meminfo")" -eq 65536
