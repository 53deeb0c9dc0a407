# shellcheck shell=sh
# Which containers run, as the kernel sees it. To be sourced.

PROC=${PROC:-/proc}
CGROUP=${CGROUP:-/sys/fs/cgroup}

# shim_children: "PID SHIM" for each process that a containerd shim has started, one a line
shim_children() {
	cat "$PROC"/[0-9]*/status 2>/dev/null | awk '
		/^Name:/ { name = $2 }
		/^Pid:/ { pid = $2 }
		/^PPid:/ { parent[pid] = $2; if (name == "containerd-shim") is_shim[pid] = 1 }
		END { for (pid in parent) if (parent[pid] in is_shim) print pid, parent[pid] }'
}

# cgroup_of PID: its path below /sys/fs/cgroup; nothing when the process has ended
cgroup_of() {
	{ IFS=: read -r _ _ cgroup_path <"$PROC/$1/cgroup"; } 2>/dev/null || return 0
	echo "$cgroup_path"
}

# container_cgroups: the cgroup of each running container, one a line. A shim also starts runc, which stays in the shim's
# own cgroup.
container_cgroups() {
	shim_children | while read -r child shim; do
		child_cgroup=$(cgroup_of "$child")
		case $child_cgroup in
		'' | /) ;;
		"$(cgroup_of "$shim")") ;;
		*) echo "$child_cgroup" ;;
		esac
	done | sort -u
}

# Kills all processes of all containers, paused ones too (cgroup.kill, Linux 5.14), and prints how many containers it
# were. dockerd sees them end and records it.
kill_containers() {
	container_cgroups | {
		killed=0
		while read -r container_cgroup; do
			{ echo 1 >"$CGROUP$container_cgroup/cgroup.kill"; } 2>/dev/null && killed=$((killed + 1))
		done
		echo "$killed"
	}
}
