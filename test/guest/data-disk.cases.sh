# Which disk is taken? Run by check.sh: SCRIPTS WORK.
# A fake /sys/block and /dev: each disk is a sparse file, and what blkid would say about it lies beside it.

scripts=$1 work=$2

SYS_BLOCK=$work/sys DEV=$work/dev BLKID=$work/blkid
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
}

# disk NAME [key=value...]: serial, scsi-serial, nvme-serial, label, type, status (blkid's), ro, kib, byte (offset of a non-zero one)
disk() {
	name=$1
	shift
	kib=4096 ro=0
	mkdir -p "$SYS_BLOCK/$name/device"
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
		kib=*) kib=$value ;;
		esac
	done
	echo "$ro" >"$SYS_BLOCK/$name/ro"
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
expect 'a foreign blank disk standing first is passed over for the labelled one' 'use vdb'

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
expect 'a label that only begins like ours is not ours' none

fresh
disk vda serial=mobyvm-data
expect 'a blank disk with our serial may be formatted' 'format vda'

fresh
disk vda
disk vdb serial=mobyvm-data
expect 'a foreign blank disk standing first is left alone' 'format vdb'

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

# The size that an ext4 superblock tells, read from real ones.
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
