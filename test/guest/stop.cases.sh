# What the guest does to unmount its data disk in time. Run by check.sh: SCRIPTS WORK.

scripts=$1 work=$2

expect() {
	if [ "$2" = "$3" ]; then
		echo "ok stop: $1"
	else
		echo "FAIL stop: $1: wanted $(echo "$2" | tr '\n' ';'), got $(echo "$3" | tr '\n' ';')"
	fi
}

# --- limits ------------------------------------------------------------------------------------------------------------

STOP_SECONDS_FILE=$work/stop-seconds
. "$scripts/stop-limits.sh"
rm -f "$STOP_SECONDS_FILE"
expect 'without a limit from the host its default is assumed' '120 30' "$(container_stop_seconds) $(engine_stop_seconds)"
while read -r total containers engine; do
	printf '%s' "$total" >"$STOP_SECONDS_FILE"
	expect "of $total s containers get $containers" "$containers $engine" "$(container_stop_seconds) $(engine_stop_seconds)"
	expect "of $total s something is left for the disk" yes "$([ $((containers + engine)) -lt "$total" ] && echo yes)"
done <<'END'
600 540 30
120 60 30
80 40 20
60 30 15
10 5 2
2 1 0
END

SHUTDOWN_BEGAN_FILE=$work/shutdown-began
printf 120 >"$STOP_SECONDS_FILE"
expect 'without a press of the button the time of containers begins when dockerd is told to end' 60 "$(seconds_for_containers 500)"
echo 480 >"$SHUTDOWN_BEGAN_FILE"
expect 'it begins with the press, as the time of the host does' 40 "$(seconds_for_containers 500)"
expect 'a second is left to them however late it is' 1 "$(seconds_for_containers 700)"

# --- containers --------------------------------------------------------------------------------------------------------

PROC=$work/proc CGROUP=$work/cgroup
. "$scripts/containers.sh"

# process PID PARENT NAME CGROUP
process() {
	mkdir -p "$PROC/$1/ns" "$PROC/$1/fd" "$CGROUP$4"
	printf 'Name:\t%s\nUmask:\t0022\nTgid:\t%s\nPid:\t%s\nPPid:\t%s\nTracerPid:\t0\n' "$3" "$1" "$1" "$2" >"$PROC/$1/status"
	echo "0::$4" >"$PROC/$1/cgroup"
	echo "$3" >"$PROC/$1/comm"
	ln -s /usr/bin/program "$PROC/$1/exe"
	ln -s / "$PROC/$1/root"
	ln -s / "$PROC/$1/cwd"
	ln -s 'mnt:[1]' "$PROC/$1/ns/mnt"
}

in_container() {
	ln -sfn "mnt:[$1]" "$PROC/$1/ns/mnt"
}

mkdir -p "$PROC/self/ns"
ln -s 'mnt:[1]' "$PROC/self/ns/mnt"
process 1 0 openrc-init /
process 50 1 containerd /openrc.containerd
process 51 1 dockerd /openrc.docker
expect 'without containers there is none to kill' 0 "$(kill_containers)"
process 100 1 containerd-shim /openrc.containerd
process 101 100 sleep /docker/aa
process 102 100 sh /docker/aa
process 103 100 runc /openrc.containerd
process 110 1 containerd-shim /openrc.containerd
process 111 110 'two words' /other/bb
for container in 101 102 111; do in_container "$container"; done
expect 'each container is killed once, and nothing else' 2 "$(kill_containers)"
expect 'it is killed with all of its processes' '1 1' "$(cat "$CGROUP/docker/aa/cgroup.kill") $(cat "$CGROUP/other/bb/cgroup.kill")"
expect 'the cgroup of the shims is left alone' no "$([ -e "$CGROUP/openrc.containerd/cgroup.kill" ] && echo yes || echo no)"

# --- what holds the disk -----------------------------------------------------------------------------------------------

. "$scripts/data-holders.sh"
expect 'processes of containers hold the disk' '101 102 111' "$(data_holders | sort -n | tr '\n' ' ' | sed 's/ $//')"
ln -s /var/lib/docker/log "$PROC/51/fd/7"
ln -sfn /mnt/data "$PROC/50/cwd"
expect 'so do open files and working folders on it' '50 51 101 102 111' "$(data_holders | sort -n | tr '\n' ' ' | sed 's/ $//')"
rm "$PROC/51/fd/7"
ln -s /var/library/file "$PROC/51/fd/7"
expect 'but not files elsewhere' '50 101 102 111' "$(data_holders | sort -n | tr '\n' ' ' | sed 's/ $//')"
rm "$PROC/101/exe"
expect 'nor processes without a program: kernel threads and zombies' '50 102 111' "$(data_holders | sort -n | tr '\n' ' ' | sed 's/ $//')"
expect 'they are named' 'containerd (pid 50), two words (pid 111)' "$(holder_names 50 111 4711)"
expect 'only the first five are' 'sh (pid 102), sh (pid 102), sh (pid 102), sh (pid 102), sh (pid 102) and others' \
	"$(holder_names 102 102 102 102 102 102)"

# shellcheck disable=SC2034 # used by mounts_below
MOUNTS_FILE=$work/mounts
cat >"$MOUNTS_FILE" <<'END'
/dev/vda /mnt/data ext4 rw 0 0
/dev/vda /var/lib ext4 rw 0 0
/dev/vda /var/lib/docker ext4 rw 0 0
overlay /var/lib/docker/overlay2/x/merged overlay rw 0 0
overlay /var/lib/docker/overlay2/x/merged overlay rw 0 0
tmpfs /var/lib/docker/volumes/a\040b\134c tmpfs rw 0 0
tmpfs /var/library tmpfs rw 0 0
END
expect 'mounts on the disk are unmounted before it, the last one first' '/var/lib/docker/volumes/a b\c
/var/lib/docker/overlay2/x/merged
/var/lib/docker/overlay2/x/merged
/var/lib/docker' "$(mounts_below /var/lib /mnt/data)"
