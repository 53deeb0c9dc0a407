# Is /var/lib on the data disk? Run by check.sh: SCRIPTS WORK.

scripts=$1 work=$2
DATA_STATE_FILE=$work/data-disk MOUNTS_FILE=$work/mounts
. "$scripts/data-mounted.sh"

# expect NAME yes|no, with the mounts on standard input
expect() {
	cat >"$MOUNTS_FILE"
	answer=no
	data_disk_is_mounted && answer=yes
	if [ "$answer" = "$2" ]; then
		echo "ok data mounted: $1"
	else
		echo "FAIL data mounted: $1: wanted $2, got $answer"
	fi
}

rm -f "$DATA_STATE_FILE"
expect 'the disk is not known' no <<'END'
/dev/vda /mnt/data ext4 rw 0 0
/dev/vda /var/lib ext4 rw 0 0
END

echo /dev/vda >"$DATA_STATE_FILE"
expect 'disk and bind mount exist' yes <<'END'
root / overlay rw 0 0
/dev/vda /mnt/data ext4 rw 0 0
/dev/vda /var/lib ext4 rw 0 0
/dev/vda /var/lib/docker ext4 rw 0 0
END

expect 'the disk is mounted, /var/lib is not on it' no <<'END'
root / overlay rw 0 0
/dev/vda /mnt/data ext4 rw 0 0
END

expect 'something else is mounted over /var/lib' no <<'END'
/dev/vda /mnt/data ext4 rw 0 0
/dev/vda /var/lib ext4 rw 0 0
tmpfs /var/lib tmpfs rw 0 0
END

expect 'another disk is on /var/lib' no <<'END'
/dev/vdb /var/lib ext4 rw 0 0
END

expect 'a folder below /var/lib is not /var/lib' no <<'END'
/dev/vda /mnt/data ext4 rw 0 0
/dev/vda /var/lib/docker ext4 rw 0 0
END
