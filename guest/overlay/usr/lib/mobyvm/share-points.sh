# shellcheck shell=sh
# The folders on which shares are mounted. To be sourced.
#
# Under each mount of a share is an empty, read-only file system: while the share is not mounted, nobody can create anything
# in its place, neither root in a container nor dockerd, which would make the folders that a container binds.

SHARES=${SHARES:-/run/mobyvm/shares}
MOUNTS=${MOUNTS:-/proc/mounts}
UNMOUNT_TRIES=100

# type_at POINT: of the file system that is mounted there
type_at() {
	/usr/lib/mobyvm/share-link type "$1"
}

# share_of_point POINT: the share whose point it is
share_of_point() {
	known_points=$(grep -lxF -e "$1" "$SHARES"/*/points 2>/dev/null | head -n 1)
	known_points=${known_points%/points}
	echo "${known_points##*/}"
}

has_mounts_below() {
	LC_ALL=C awk -v below="$1/" '{ gsub(/\\040/, " ", $2) } index($2, below) == 1 { found = 1 } END { exit !found }' "$MOUNTS"
}

# is_seal POINT: a share had it as its point before
is_seal() {
	LC_ALL=C awk -v point="$1" '
		{ gsub(/\\040/, " ", $2) }
		$1 == "mobyvm-share" && $2 == point { found = 1 }
		END { exit !found }' "$MOUNTS"
}

# point_problem SHARE POINT: "ERRNO TEXT" if the share cannot be mounted there
point_problem() {
	case $2/ in
	/proc/* | /sys/* | /dev/* | /run/* | /var/run/* | /var/lib/docker/* | /var/lib/containerd/* | /var/lib/hyperv/*)
		echo "16 $2 belongs to the VM itself"
		return
		;;
	esac
	point_owner=$(share_of_point "$2")
	case $point_owner in
	"$1") return ;;
	?*)
		echo "16 $2 belongs to the share $point_owner"
		return
		;;
	esac
	! is_seal "$2" || return
	if [ -n "$(type_at "$2")" ] || has_mounts_below "$2"; then
		echo "16 $2 is used by the VM itself"
	elif [ -n "$(find "$2" ! -type d 2>/dev/null | head -n 1)" ]; then
		echo "39 $2 has files in the VM"
	else
		point_parent=$2
		while [ -n "$point_parent" ] && [ ! -e "$point_parent" ]; do point_parent=${point_parent%/*}; done
		point_parent=${point_parent:-/}
		[ "$(readlink -f "$point_parent")" = "$point_parent" ] || echo "40 $2 leads through a symbolic link of the VM"
	fi
}

# seal_point POINT: nothing happens if it is sealed already
seal_point() {
	[ -z "$(type_at "$1")" ] || return 0
	mkdir -p "$1" && mount -t tmpfs -o ro,nosuid,nodev,mode=0555,size=4k,nr_inodes=2 mobyvm-share "$1"
}

# has_points SHARE POINTS_FILE: exactly these, and they are sealed or mounted
has_points() {
	cmp -s "$2" "$SHARES/$1/points" || return 1
	while IFS= read -r had_point; do
		[ -n "$(type_at "$had_point")" ] || return 1
	done <"$2"
}

# claim_points SHARE POINTS_FILE: makes them the share's; prints "ERRNO TEXT" if that cannot be
claim_points() {
	! has_points "$1" "$2" || return 0
	while IFS= read -r claimed_point; do
		claim_problem=$(point_problem "$1" "$claimed_point")
		if [ -n "$claim_problem" ]; then
			echo "$claim_problem"
			return
		fi
	done <"$2"
	mkdir -p "$SHARES/$1"
	# Points that the share no longer has stay sealed: containers may still bind them.
	unmount_points "$SHARES/$1/points" || {
		echo '16 what was mounted before could not be unmounted'
		return
	}
	cat "$2" >"$SHARES/$1/points.new"
	mv "$SHARES/$1/points.new" "$SHARES/$1/points"
	while IFS= read -r claimed_point; do
		seal_point "$claimed_point" 2>"$SHARES/$1/problem" || {
			echo "5 $(head -n 1 "$SHARES/$1/problem")"
			return
		}
	done <"$2"
}

is_share_type() {
	[ "$1" = cifs ] || [ "$1" = smb3 ]
}

# is_mounted POINTS_FILE: on every point
is_mounted() {
	while IFS= read -r mounted_point; do
		is_share_type "$(type_at "$mounted_point")" || return 1
	done <"$1"
}

# Lazily, because containers may use it, and in the background, because the end of a session with a dead server takes long.
unmount_point() {
	unmount_tries=0
	while is_share_type "$(type_at "$1")"; do
		[ $((unmount_tries % 10)) -ne 0 ] || umount -l "$1" 2>/dev/null &
		unmount_tries=$((unmount_tries + 1))
		[ "$unmount_tries" -lt "$UNMOUNT_TRIES" ] || return 1
		usleep 20000
	done
}

# unmount_points POINTS_FILE: the seals become visible again
unmount_points() {
	[ -e "$1" ] || return 0
	while IFS= read -r unmounted_point; do
		unmount_point "$unmounted_point" || return 1
	done <"$1"
}
