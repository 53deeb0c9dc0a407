# shellcheck shell=sh
# Which disk holds the data? To be sourced. Everything here only looks; nothing writes to any disk.
#
# The rules, in this order:
#   1. A disk with our label is the data disk. The label is looked for on all disks before anything else is decided.
#   2. Two disks with our label: refused. Taking the wrong one would hide the user's containers.
#   3. No label anywhere: the one disk that the host named by the serial "mobyvm-data" may be formatted, if it is blank
#      by every test. A blank disk without that serial is somebody else's.

DATA_NAME=mobyvm-data
SYS_BLOCK=${SYS_BLOCK:-/sys/block}
DEV=${DEV:-/dev}
BLKID=${BLKID:-/sbin/blkid}
MEBIBYTE=1048576

# /sys/block lists whole disks only: partitions are never taken.
list_disks() {
	for disk_path in "$SYS_BLOCK"/vd* "$SYS_BLOCK"/sd* "$SYS_BLOCK"/nvme*n* "$SYS_BLOCK"/xvd*; do
		[ -e "$disk_path" ] && echo "${disk_path##*/}"
	done
}

# blkid's low-level probe reads the disk itself and never a cache of earlier answers.
disk_label() {
	"$BLKID" -p -s LABEL -o value "$DEV/$1" 2>/dev/null
}

disk_filesystem() {
	"$BLKID" -p -s TYPE -o value "$DEV/$1" 2>/dev/null
}

# The serial is how the host names a disk. virtio has it as a file of its own, NVMe below device/, SCSI in vital product
# data page 0x80, whose first four bytes are a header. Some pad it with spaces.
disk_serial() {
	if [ -r "$SYS_BLOCK/$1/serial" ]; then
		raw_serial=$(cat "$SYS_BLOCK/$1/serial")
	elif [ -r "$SYS_BLOCK/$1/device/serial" ]; then
		raw_serial=$(cat "$SYS_BLOCK/$1/device/serial")
	elif [ -r "$SYS_BLOCK/$1/device/vpd_pg80" ]; then
		raw_serial=$(tail -c +5 "$SYS_BLOCK/$1/device/vpd_pg80" | tr -d '\000')
	else
		return 1
	fi
	printf '%s' "$raw_serial" | sed 's/^ *//; s/ *$//'
}

disk_is_read_only() {
	[ "$(cat "$SYS_BLOCK/$1/ro")" != 0 ]
}

# /sys counts in 512-byte sectors whatever the disk's own sector size is.
disk_bytes() {
	echo $(($(cat "$SYS_BLOCK/$1/size") * 512))
}

only_zeros() {
	[ "$(tr -d '\000' | head -c 1 | wc -c)" -eq 0 ]
}

# Blank: no signature of any kind (blkid says so with exit status 2; 8 means several, 0 means one), and the first and
# last mebibyte hold nothing but zeros. The tail matters because RAID and backup partition tables live there.
disk_is_blank() {
	"$BLKID" -p "$DEV/$1" >/dev/null 2>&1
	[ $? -eq 2 ] || return 1
	disk_mebibytes=$(($(disk_bytes "$1") / MEBIBYTE))
	[ "$disk_mebibytes" -ge 2 ] || return 1
	dd if="$DEV/$1" bs="$MEBIBYTE" count=1 2>/dev/null | only_zeros || return 1
	# From the start of the last whole mebibyte to the end, which is more than a mebibyte on an uneven size.
	dd if="$DEV/$1" bs="$MEBIBYTE" skip=$((disk_mebibytes - 1)) 2>/dev/null | only_zeros
}

count_words() {
	echo $#
}

# choose_data_disk: prints one line:
#   use DISK          it has our label
#   format DISK       it may be formatted
#   none              neither a labelled nor a named disk is there (a disk may still be on its way)
#   refuse REASON     a person must decide
choose_data_disk() {
	labelled='' named='' present=''
	for disk in $(list_disks); do
		present="$present $disk"
		[ "$(disk_label "$disk")" = "$DATA_NAME" ] && labelled="$labelled $disk"
		[ "$(disk_serial "$disk")" = "$DATA_NAME" ] && named="$named $disk"
	done
	labelled=${labelled# } named=${named# }

	# shellcheck disable=SC2086 # lists of words
	case $(count_words $labelled) in
	0) ;;
	1)
		if [ "$(disk_filesystem "$labelled")" != ext4 ]; then
			echo "refuse /dev/$labelled has the label $DATA_NAME but is not ext4: left alone"
		elif disk_is_read_only "$labelled"; then
			echo "refuse /dev/$labelled is the data disk but cannot be written to"
		else
			echo "use $labelled"
		fi
		return
		;;
	*)
		echo "refuse more than one disk has the label $DATA_NAME ($labelled): detach all but the right one"
		return
		;;
	esac

	# shellcheck disable=SC2086
	case $(count_words $named) in
	0) echo none ;;
	1)
		if disk_is_read_only "$named"; then
			echo "refuse /dev/$named is meant for the data but cannot be written to"
		elif disk_is_blank "$named"; then
			echo "format $named"
		else
			echo "refuse /dev/$named is meant for the data but is neither blank nor labelled $DATA_NAME: left alone"
		fi
		;;
	*) echo "refuse more than one disk has the serial $DATA_NAME ($named)" ;;
	esac
}

# ext4_bytes DEVICE: the size that the file system believes in, read from the superblock (at 1024: block count at +4 and
# +336, log2 of the block size less 10 at +24). Three od calls are far quicker than dumpe2fs or an idle resize2fs.
ext4_bytes() {
	blocks_low=$(superblock_word "$1" 4)
	blocks_high=$(superblock_word "$1" 336)
	block_shift=$(superblock_word "$1" 24)
	echo $(((blocks_high * 4294967296 + blocks_low) * (1024 << block_shift)))
}

superblock_word() {
	dd if="$1" bs=1 skip=$((1024 + $2)) count=4 2>/dev/null | od -A n -t u4 | tr -d ' \n'
}
