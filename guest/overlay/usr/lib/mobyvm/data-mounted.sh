# shellcheck shell=sh
# Is the data disk really under /var/lib? To be sourced.
# containerd and dockerd must not start otherwise: what they write would be in RAM and gone with the next boot, and a
# user's images and containers would seem to have vanished. A service dependency alone does not prove the mount.

DATA_STATE_FILE=${DATA_STATE_FILE:-/run/mobyvm/data-disk}
MOUNTS_FILE=${MOUNTS_FILE:-/proc/self/mounts}

# Mounts of the same file system show the same device, the bind mount included. Later lines lie on top of earlier ones.
data_disk_is_mounted() {
	[ -s "$DATA_STATE_FILE" ] || return 1
	read -r data_device <"$DATA_STATE_FILE"
	top_device=''
	while read -r mount_device mount_point _; do
		[ "$mount_point" = /var/lib ] && top_device=$mount_device
	done <"$MOUNTS_FILE"
	[ "$top_device" = "$data_device" ]
}
