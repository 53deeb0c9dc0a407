# shellcheck shell=sh
# Finds the disk that holds the data. To be sourced. Everything here only reads; nothing writes to a disk.
#
# The rules, in this order:
#   1. A disk with our label is the data disk. All disks are searched for the label before anything else is decided.
#   2. Two disks with our label: refused. Using the wrong one would hide the user's containers.
#   3. No label: the one disk with the serial "mobyvm-data" is formatted if it is blank by every test. A blank disk
#      without that serial is not mobyvm's.
#   4. Hyper-V cannot give a disk a serial. There, if no disk has this serial, the only fixed disk is formatted if it is
#      blank by every test. The host attaches one data disk and no other; with two disks, or any doubt, a person decides.

DATA_NAME=mobyvm-data
SYS_BLOCK=${SYS_BLOCK:-/sys/block}
DEV=${DEV:-/dev}
BLKID=${BLKID:-/sbin/blkid}
VMBUS=${VMBUS:-/sys/bus/vmbus}
KERNEL_COMMAND_LINE=${KERNEL_COMMAND_LINE:-/proc/cmdline}
SWAPS=${SWAPS:-/proc/swaps}
MOUNT_TABLE=${MOUNT_TABLE:-/proc/self/mountinfo}
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

# host_names_disk: can the host name the data disk by a serial? Not on Hyper-V. The word on the kernel command line makes
# a QEMU guest follow Hyper-V's rule; only tests boot with it, the image's own command line never has it.
host_names_disk() {
	[ ! -d "$VMBUS" ] || return 1
	read -r command_line <"$KERNEL_COMMAND_LINE" || [ -n "$command_line" ] || return 0
	case " $command_line " in
	*' mobyvm.data-disk=only '*) return 1 ;;
	esac
}

# disk_is_removable DISK: also true for a disk that does not say
disk_is_removable() {
	[ "$(cat "$SYS_BLOCK/$1/removable" 2>/dev/null)" != 0 ]
}

# disk_is_in_use DISK: it has partitions, is held (by RAID, LVM or device mapper), mounted, or used for swap
disk_is_in_use() {
	for disk_user in "$SYS_BLOCK/$1"/*/partition "$SYS_BLOCK/$1"/holders/*; do
		[ ! -e "$disk_user" ] || return 0
	done
	# The third field of mountinfo is the device's number (proc_pid_mountinfo(5)).
	disk_number=$(cat "$SYS_BLOCK/$1/dev" 2>/dev/null) || return 0
	while read -r _ _ mounted_number _; do
		[ "$mounted_number" != "$disk_number" ] || return 0
	done <"$MOUNT_TABLE"
	grep -qs "^/dev/$1 " "$SWAPS"
}

# Where data may be when the beginning of a disk has been overwritten: evenly spread places, which encrypted or full disks
# fill, and the first backup superblocks of ext4 (block groups of 128 MiB; powers of 3, 5 and 7 have one, e2fsprogs
# lib/ext2fs/closefs.c, ext2fs_bg_has_super). Each sample costs a process, which a busy host makes slow.
SAMPLES=8
SAMPLE_BYTES=65536
EXT4_GROUP_BYTES=134217728
EXT4_BACKUP_GROUPS='1 3 5'

# sample_blocks BYTES: the numbers of the blocks of SAMPLE_BYTES to look at on a disk of that size
sample_blocks() {
	sample=1
	sample_count=$(($1 / SAMPLE_BYTES))
	while [ "$sample" -lt "$SAMPLES" ]; do
		echo $((sample_count * sample / SAMPLES))
		sample=$((sample + 1))
	done
	for sample in $EXT4_BACKUP_GROUPS; do
		[ $((sample * EXT4_GROUP_BYTES + SAMPLE_BYTES)) -gt "$1" ] || echo $((sample * EXT4_GROUP_BYTES / SAMPLE_BYTES))
	done
}

# places_are_zero DISK BYTES: the first mebibyte, the end, and the samples can be read and hold only zeros. The end begins
# at the last whole mebibyte, and is more than a mebibyte long when the size is uneven.
places_are_zero() {
	end_mebibyte=$(($2 / MEBIBYTE - 1))
	blocks=$(sample_blocks "$2")
	# shellcheck disable=SC2086 # a list of words
	expected_bytes=$((MEBIBYTE + $2 - end_mebibyte * MEBIBYTE + $(count_words $blocks) * SAMPLE_BYTES))
	{
		dd if="$DEV/$1" bs="$MEBIBYTE" count=1
		dd if="$DEV/$1" bs="$MEBIBYTE" skip="$end_mebibyte"
		for block in $blocks; do
			dd if="$DEV/$1" bs="$SAMPLE_BYTES" skip="$block" count=1
		done
	} 2>/dev/null | cmp -s -n "$expected_bytes" - /dev/zero
}

# Blank: not in use; no signature of a file system, RAID, LVM, LUKS or partition table (blkid(8), low-level probing: exit
# status 2 means none, 8 several, 0 one); the first and the last mebibyte, where partition tables and RAID keep their
# backups, and the samples can be read and hold only zeros.
disk_is_blank() {
	! disk_is_in_use "$1" || return 1
	"$BLKID" -p "$DEV/$1" >/dev/null 2>&1
	[ $? -eq 2 ] || return 1
	blank_bytes=$(disk_bytes "$1")
	[ "$blank_bytes" -ge $((2 * MEBIBYTE)) ] || return 1
	places_are_zero "$1" "$blank_bytes"
}

count_words() {
	echo $#
}

# choose_data_disk: prints one line:
#   use DISK          it has our label
#   format DISK       it may be formatted
#   none              no disk that could be the data disk (one may still appear)
#   refuse REASON     a person must decide
choose_data_disk() {
	labelled='' named='' fixed=''
	for disk in $(list_disks); do
		[ "$(disk_label "$disk")" = "$DATA_NAME" ] && labelled="$labelled $disk"
		[ "$(disk_serial "$disk")" = "$DATA_NAME" ] && named="$named $disk"
		disk_is_removable "$disk" || fixed="$fixed $disk"
	done
	labelled=${labelled# } named=${named# } fixed=${fixed# }

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
	0) if host_names_disk; then echo none; else choose_only_disk; fi ;;
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

# choose_only_disk: rule 4, for choose_data_disk, which has listed the fixed disks
choose_only_disk() {
	# shellcheck disable=SC2086
	case $(count_words $fixed) in
	0) echo none ;;
	1)
		if disk_is_read_only "$fixed"; then
			echo "refuse /dev/$fixed is the only disk but cannot be written to"
		elif disk_is_blank "$fixed"; then
			echo "format $fixed"
		else
			echo "refuse /dev/$fixed is the only disk but is neither blank nor labelled $DATA_NAME: left alone"
		fi
		;;
	*) echo "refuse none of the disks ($fixed) has the label $DATA_NAME: attach only the data disk" ;;
	esac
}

# ext4_bytes DEVICE: the size that the file system believes in, read from the superblock (at 1024: block count at +4 and
# +336, log2 of the block size less 10 at +24). One od call is far quicker than dumpe2fs or an idle resize2fs.
ext4_bytes() {
	# shellcheck disable=SC2046 # a list of numbers of four bytes each
	set -- $(od -A n -v -t u4 -j 1024 -N 340 "$1")
	echo $(((${85} * 4294967296 + $2) * (1024 << $7)))
}
