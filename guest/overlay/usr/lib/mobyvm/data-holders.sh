# shellcheck shell=sh
# Which processes keep the data disk from being unmounted? To be sourced.

PROC=${PROC:-/proc}

# uses_data_disk PID: its working folder, root, program or an open file is on the disk
uses_data_disk() {
	for used in "$PROC/$1/cwd" "$PROC/$1/root" "$PROC/$1/exe" "$PROC/$1"/fd/*; do
		case $(readlink "$used" 2>/dev/null) in
		/var/lib | /var/lib/* | /mnt/data | /mnt/data/*) return 0 ;;
		esac
	done
	return 1
}

# data_holders: their process ids, one a line. What runs in another mount namespace counts as well: it is a process of a
# container, whose root is on the disk. Kernel threads and zombies have no program, and cannot be ended anyway.
data_holders() {
	own_namespace=$(readlink "$PROC/self/ns/mnt")
	for process in "$PROC"/[0-9]*; do
		readlink "$process/exe" >/dev/null 2>&1 || continue
		if [ "$(readlink "$process/ns/mnt" 2>/dev/null)" != "$own_namespace" ] || uses_data_disk "${process##*/}"; then
			echo "${process##*/}"
		fi
	done
}

# holder_names PID...: for people, the first five
holder_names() {
	names='' named=0
	for holder; do
		[ "$named" -lt 5 ] || {
			names="$names and others"
			break
		}
		{ read -r holder_name <"$PROC/$holder/comm"; } 2>/dev/null || continue
		names="${names:+$names, }$holder_name (pid $holder)"
		named=$((named + 1))
	done
	echo "$names"
}

# mounts_below FOLDER...: mount points on top of these, in the order in which they can be unmounted. Of one point that is
# mounted several times, each is listed. The kernel writes a space as \040.
mounts_below() {
	tac "${MOUNTS_FILE:-/proc/self/mounts}" | while read -r _ mount_point _; do
		for below; do
			case $mount_point in
			"$below"/*) printf '%b\n' "$(printf %s "$mount_point" | sed 's/\\\([0-7][0-7][0-7]\)/\\0\1/g')" ;;
			esac
		done
	done
}
