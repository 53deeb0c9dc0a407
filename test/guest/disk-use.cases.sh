# What does the host learn of the data disk? Run by check.sh: SCRIPTS WORK.

scripts=$1 work=$2
POOLS=$work/pools
DATA_STATE_FILE=$work/data-disk MOUNTS_FILE=$work/mounts
DISK_FOLDER=$work
for script in kvp-pool data-mounted disk-use; do
	. "$scripts/$script.sh"
done
mkdir "$POOLS"
: >"$GUEST_POOL"

# expect NAME COMMAND...
expect() {
	case_name=$1
	shift
	if "$@" >"$work/output" 2>&1; then
		echo "ok disk-use: $case_name"
	else
		echo "FAIL disk-use: $case_name: $(tr '\n' ';' <"$work/output")"
	fi
}
told() { test "$(pool_get "$GUEST_POOL" mobyvm.disk)" = "$1"; }

# 100 GiB in blocks of 4 KiB, of which 5 % are root's and half of the rest is used
write_disk_use 4096 26214400 13762560 12451840 6553600 6500000
expect 'sizes are in KiB, without what root keeps' told '1 99614720 49807360 6553600 6500000'
write_disk_use 4096 26214400 13762560 12451800 6553600 6499000
expect 'a small change is not written' told '1 99614720 49807360 6553600 6500000'
write_disk_use 4096 26214400 13762560 12451800 6553600 400000
expect 'a change of the number of files is' told '1 99614560 49807200 6553600 400000'
write_disk_use 4096 26214400 1310720 0 6553600 400000
expect 'a full disk has nothing free' told '1 99614720 0 6553600 400000'
write_disk_use 4096 0 0 0 0 0
expect 'a file system without sizes is not divided by' told '1 0 0 0 0'

pool_remove "$GUEST_POOL" mobyvm.disk
disk_told=''
report_disk_use
disk_next_look=0
report_disk_use
expect 'nothing is said while the data disk is not mounted' told ''
echo /dev/vda >"$DATA_STATE_FILE"
echo '/dev/vda /var/lib ext4 rw 0 0' >"$MOUNTS_FILE"
report_disk_use
expect 'and nothing before its time' told ''
disk_next_look=0
report_disk_use
expect 'a mounted one is looked at' sh -c "LC_ALL=C grep -qaE '1 [0-9]+ [0-9]+ [0-9]+ [0-9]+' '$GUEST_POOL'"
