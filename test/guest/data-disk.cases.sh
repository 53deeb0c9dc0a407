# Which disk is chosen for the data? Run by check.sh: SCRIPTS WORK.
# A fake /sys/block and /dev: each disk is a sparse file, with what blkid says about it in files next to it.

scripts=$1 work=$2

SYS_BLOCK=$work/sys DEV=$work/dev BLKID=$work/blkid
VMBUS=$work/vmbus KERNEL_COMMAND_LINE=$work/cmdline SWAPS=$work/swaps MOUNT_TABLE=$work/mountinfo
. "$scripts/data-disk.sh"

cat >"$BLKID" <<'END'
#!/bin/sh
# blkid -p [-s TAG -o value] DEVICE, from the files DEVICE.LABEL, DEVICE.TYPE and DEVICE.status
wanted=''
while [ $# -gt 1 ]; do
	case $1 in
	-s)
		wanted=$2
		shift
		;;
	esac
	shift
done
[ -n "$wanted" ] && cat "$1.$wanted" 2>/dev/null
exit "$(cat "$1.status" 2>/dev/null || echo 2)"
END
chmod 755 "$BLKID"

fresh() {
	rm -rf "$SYS_BLOCK" "$DEV"
	mkdir -p "$SYS_BLOCK" "$DEV"
	rm -rf "$VMBUS"
	echo 'quiet panic=-1' >"$KERNEL_COMMAND_LINE"
	echo 'Filename Type Size Used Priority' >"$SWAPS"
	echo '21 1 0:19 / /sys rw - sysfs sysfs rw' >"$MOUNT_TABLE"
	disks=0
}

# A guest under Hyper-V
fresh_hyperv() {
	fresh
	mkdir -p "$VMBUS"
}

# disk NAME [key=value...]: serial, scsi-serial, nvme-serial, label, type, status (blkid's), ro, removable,
# kib, byte (offset of a non-zero one), partition, holder
disk() {
	name=$1
	shift
	kib=4096 ro=0 removable=0
	disks=$((disks + 1))
	mkdir -p "$SYS_BLOCK/$name/device" "$SYS_BLOCK/$name/holders"
	for setting; do
		value=${setting#*=}
		case $setting in
		serial=*) printf '%s' "$value" >"$SYS_BLOCK/$name/serial" ;;
		nvme-serial=*) printf '%s\n' "$value" >"$SYS_BLOCK/$name/device/serial" ;;
		scsi-serial=*) printf '\000\200\000\024%s' "$value" >"$SYS_BLOCK/$name/device/vpd_pg80" ;;
		label=*)
			echo "$value" >"$DEV/$name.LABEL"
			echo ext4 >"$DEV/$name.TYPE"
			echo 0 >"$DEV/$name.status"
			;;
		type=*)
			echo "$value" >"$DEV/$name.TYPE"
			echo 0 >"$DEV/$name.status"
			;;
		status=*) echo "$value" >"$DEV/$name.status" ;;
		ro=*) ro=$value ;;
		removable=*) removable=$value ;;
		partition=*)
			mkdir -p "$SYS_BLOCK/$name/$value"
			echo 1 >"$SYS_BLOCK/$name/$value/partition"
			;;
		holder=*) mkdir -p "$SYS_BLOCK/$name/holders/$value" ;;
		kib=*) kib=$value ;;
		esac
	done
	echo "$ro" >"$SYS_BLOCK/$name/ro"
	echo "$removable" >"$SYS_BLOCK/$name/removable"
	echo "253:$disks" >"$SYS_BLOCK/$name/dev"
	echo $((kib * 2)) >"$SYS_BLOCK/$name/size"
	truncate -s "${kib}K" "$DEV/$name"
	for setting; do
		case $setting in
		byte=*) printf x | dd of="$DEV/$name" bs=1 seek="${setting#byte=}" conv=notrunc 2>/dev/null ;;
		esac
	done
}

# expect NAME PATTERN
expect() {
	answer=$(choose_data_disk)
	# shellcheck disable=SC2254 # a pattern
	case $answer in
	$2) echo "ok data disk: $1" ;;
	*) echo "FAIL data disk: $1: wanted \"$2\", got \"$answer\"" ;;
	esac
}

fresh
expect 'no disks at all' none

fresh
disk vda label=mobyvm-data
expect 'the labelled disk is used' 'use vda'

fresh
disk vda
disk vdb label=mobyvm-data
expect 'the labelled disk is used even if a foreign blank disk comes first' 'use vdb'

fresh
disk vda serial=mobyvm-data
disk vdb label=mobyvm-data
expect 'the label wins over the serial: a blank disk with our serial is not formatted' 'use vdb'

fresh
disk sda label=mobyvm-data
disk vda label=other
expect 'the label is found on a SCSI disk' 'use sda'

fresh
disk nvme0n1 label=mobyvm-data
expect 'the label is found on an NVMe disk' 'use nvme0n1'

fresh
disk xvdb label=mobyvm-data
expect 'the label is found on a Xen disk' 'use xvdb'

fresh
disk sr0 label=mobyvm-data
disk loop0 label=mobyvm-data
expect 'CDs and loop devices are not disks' none

fresh
disk vda label=mobyvm-data
disk sdb label=mobyvm-data
expect 'two disks with the label: refused' 'refuse *more than one*label*'

fresh
disk vda label=mobyvm-data type=xfs
expect 'the label on another file system: refused' 'refuse */dev/vda*not ext4*'

fresh
disk vda label=mobyvm-data ro=1
expect 'the labelled disk is read-only: refused' 'refuse */dev/vda*cannot be written*'

fresh
disk vda label=mobyvm-database
expect 'a label that only starts like the right one is ignored' none

fresh
disk vda serial=mobyvm-data
expect 'a blank disk with our serial may be formatted' 'format vda'

fresh
disk vda
disk vdb serial=mobyvm-data
expect 'a foreign blank disk that comes first is left alone' 'format vdb'

fresh
disk vda
disk sda
expect 'blank disks without our serial are left alone' none

fresh
disk vda serial=mobyvm-data2
disk vdb serial=xmobyvm-data
disk vdc serial=MOBYVM-DATA
expect 'other serials are not ours' none

fresh
disk sda scsi-serial=mobyvm-data
expect 'SCSI: the serial is in vital product data' 'format sda'

fresh
disk sda scsi-serial='mobyvm-data         '
expect 'SCSI: a serial padded with spaces' 'format sda'

fresh
disk nvme0n1 nvme-serial='mobyvm-data         '
expect 'NVMe: a serial padded with spaces' 'format nvme0n1'

fresh
disk vda serial=mobyvm-data
disk vdb serial=mobyvm-data
expect 'two blank disks with our serial: refused' 'refuse *more than one*serial*'

fresh
disk vda serial=mobyvm-data ro=1
expect 'read-only with our serial: refused' 'refuse */dev/vda*cannot be written*'

fresh
disk vda serial=mobyvm-data type=ntfs
expect 'our serial, but another file system: refused' 'refuse */dev/vda*neither blank nor labelled*'

fresh
disk vda serial=mobyvm-data status=8
expect 'our serial, blkid sees several signatures: refused' 'refuse */dev/vda*neither blank*'

fresh
disk vda serial=mobyvm-data status=4
expect 'our serial, blkid fails: refused' 'refuse */dev/vda*neither blank*'

fresh
disk vda serial=mobyvm-data byte=0
expect 'our serial, first byte not zero: refused' 'refuse */dev/vda*neither blank*'

fresh
disk vda serial=mobyvm-data byte=1048575
expect 'our serial, last byte of the first mebibyte not zero: refused' 'refuse */dev/vda*neither blank*'

fresh
disk vda serial=mobyvm-data byte=3145728
expect 'our serial, first byte of the last mebibyte not zero: refused' 'refuse */dev/vda*neither blank*'

fresh
disk vda serial=mobyvm-data byte=4194303
expect 'our serial, last byte not zero: refused' 'refuse */dev/vda*neither blank*'

fresh
disk vda serial=mobyvm-data kib=4500 byte=4607999
expect 'our serial, uneven size, last byte not zero: refused' 'refuse */dev/vda*neither blank*'

fresh
disk vda serial=mobyvm-data kib=4500 byte=3600000
expect 'our serial, uneven size, last whole mebibyte not zero: refused' 'refuse */dev/vda*neither blank*'

fresh
disk vda serial=mobyvm-data kib=4500
expect 'our serial, uneven size, blank' 'format vda'

fresh
disk vda serial=mobyvm-data kib=1024
expect 'our serial, too small to tell: refused' 'refuse */dev/vda*neither blank*'

fresh
disk vda serial=mobyvm-data kib=262144 byte=134218752
expect 'our serial, a backup superblock of ext4 at 128 MiB: refused' 'refuse */dev/vda*neither blank*'

fresh
disk vda serial=mobyvm-data kib=262144 byte=33554432
expect 'our serial, data at a sampled place: refused' 'refuse */dev/vda*neither blank*'

fresh
disk vda serial=mobyvm-data kib=262144
truncate -s 100M "$DEV/vda"
expect 'our serial, its end cannot be read: refused' 'refuse */dev/vda*neither blank*'

fresh
disk vda serial=mobyvm-data
rm "$DEV/vda"
expect 'our serial, it cannot be read at all: refused' 'refuse */dev/vda*neither blank*'

fresh
disk vda serial=mobyvm-data partition=vda1
expect 'our serial, the kernel sees a partition: refused' 'refuse */dev/vda*neither blank*'

fresh
disk vda serial=mobyvm-data holder=md0
expect 'our serial, held by RAID: refused' 'refuse */dev/vda*neither blank*'

fresh
disk vda serial=mobyvm-data
echo '30 1 253:1 / /somewhere rw - ext4 /dev/vda rw' >>"$MOUNT_TABLE"
expect 'our serial, mounted: refused' 'refuse */dev/vda*neither blank*'

fresh
disk vda serial=mobyvm-data
echo '/dev/vda partition 1024 0 -2' >>"$SWAPS"
expect 'our serial, used for swap: refused' 'refuse */dev/vda*neither blank*'

# --- Hyper-V: no serials ---
fresh_hyperv
expect 'Hyper-V: no disks at all' none

fresh_hyperv
disk sda
expect 'Hyper-V: the only disk, blank, may be formatted' 'format sda'

fresh_hyperv
disk sda scsi-serial=600224801234
expect 'Hyper-V: a serial invented by Hyper-V changes nothing' 'format sda'

fresh_hyperv
disk sda
disk sdb label=mobyvm-data
expect 'Hyper-V: the labelled disk is used, not a blank one before it' 'use sdb'

fresh_hyperv
disk sda label=mobyvm-data
disk sdb label=mobyvm-data
expect 'Hyper-V: two disks with the label: refused' 'refuse *more than one*label*'

fresh_hyperv
disk sda
disk sdb
expect 'Hyper-V: two blank disks: refused' 'refuse none of the disks (sda sdb) has the label*'

fresh_hyperv
disk sda
disk sdb type=ntfs
expect 'Hyper-V: a blank disk beside a foreign one: refused' 'refuse none of the disks (sda sdb) has the label*'

fresh_hyperv
disk sda
disk sdb serial=mobyvm-data
expect 'Hyper-V: the serial still names the disk' 'format sdb'

fresh_hyperv
disk sda removable=1
disk sr0
expect 'Hyper-V: removable disks and CDs are never formatted' none

fresh_hyperv
disk sda removable=1 type=iso9660
disk sdb
expect 'Hyper-V: removable disks do not count' 'format sdb'

fresh_hyperv
disk sda
rm "$SYS_BLOCK/sda/removable"
expect 'Hyper-V: a disk that does not say whether it is removable is never formatted' none

fresh_hyperv
disk sda ro=1
expect 'Hyper-V: the only disk is read-only: refused' 'refuse */dev/sda*cannot be written*'

for content in type=ntfs type=crypto_LUKS type=LVM2_member type=linux_raid_member status=8 status=4 byte=0 byte=3145728 \
	byte=4194303 partition=sda1 holder=dm-0 kib=1024; do
	fresh_hyperv
	disk sda "$content"
	expect "Hyper-V: the only disk is not blank ($content): refused" 'refuse */dev/sda*neither blank nor labelled*'
done

fresh_hyperv
disk sda
echo '30 1 253:1 / /somewhere rw - ext4 /dev/sda rw' >>"$MOUNT_TABLE"
expect 'Hyper-V: the only disk is mounted: refused' 'refuse */dev/sda*neither blank*'

fresh
disk vda
echo 'quiet mobyvm.data-disk=only panic=-1' >"$KERNEL_COMMAND_LINE"
expect 'a test boot follows the rule for Hyper-V' 'format vda'

fresh
disk vda
printf 'quiet mobyvm.data-disk=only-not panic=-1' >"$KERNEL_COMMAND_LINE"
expect 'another word on the command line does not' none

# The size of an ext4 file system, read from real superblocks.
if command -v mkfs.ext4 >/dev/null || [ -x /sbin/mkfs.ext4 ]; then
	for options in '-b 4096' '-b 1024' '-b 4096 -O ^64bit'; do
		rm -f "$work/ext4"
		truncate -s 32M "$work/ext4"
		# shellcheck disable=SC2086 # words
		PATH=$PATH:/sbin mkfs.ext4 -q -F $options "$work/ext4"
		bytes=$(ext4_bytes "$work/ext4")
		if [ "$bytes" = 33554432 ]; then
			echo "ok ext4 size read from a superblock (mkfs.ext4 $options)"
		else
			echo "FAIL ext4 size read from a superblock (mkfs.ext4 $options): got $bytes"
		fi
	done
fi
