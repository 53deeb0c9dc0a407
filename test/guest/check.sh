#!/bin/bash
# Checks of the guest image's sources that need neither root nor a VM. Prints a line per case and a summary; exit status 1
# if a case failed. --help says how to run a part.

set -euo pipefail
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
checkout=$(cd "$here/../.." && pwd)
guest=$checkout/guest
overlay=$guest/overlay
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

usage() {
	cat <<'END'
Usage: test/guest/check.sh [--help]

Checks the scripts in guest/ and scripts/build-guest: shellcheck, syntax for busybox, what both recipes must agree on, and
the logic of the guest's services (test/guest/*.cases.sh, run by busybox's shell).
Needs bash, busybox, shellcheck and what scripts/build-guest needs; a tool that is missing makes its cases fail, with the package to install.
END
}

pass() {
	printf 'ok   %s\n' "$1"
	passed=$((passed + 1))
}

# fail_case NAME [DETAIL]
fail_case() {
	printf 'FAIL %s\n' "$1"
	[ -z "${2:-}" ] || printf '%s\n' "$2" | sed 's/^/       /'
	failed=$((failed + 1))
}

# check NAME COMMAND...: the command must succeed; its output shows only if it does not
check() {
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then pass "$name"; else fail_case "$name" "$output"; fi
}

list_entries() {
	sed -e 's/#.*//' -e 's/[[:space:]]*$//' "$1" | sed '/^$/d'
}

# A copy of the guest's scripts in which they find each other without being installed. Line numbers stay.
copy_for_checking() {
	cp -a "$overlay" "$guest/initramfs" "$guest/openrc" "$work/"
	find "$work" -type f -exec sed -i "s|\([. ]\)/usr/lib/mobyvm/|\1$work/overlay/usr/lib/mobyvm/|g" {} +
}

guest_scripts() {
	(cd "$work" && grep -rlE '^#!/bin/sh|^# shellcheck shell=sh' overlay initramfs openrc | sort)
}

openrc_services() {
	(cd "$work" && find overlay/etc/init.d -type f | sort)
}

build_scripts() {
	(cd "$checkout" && {
		echo scripts/build-guest
		grep -rlE '^#!/bin/bash|^# shellcheck shell=bash' guest test/guest test/support/alpine
	} | sort)
}

check_shellcheck() {
	local file
	if ! command -v shellcheck >/dev/null; then
		fail_case 'shellcheck is installed' 'apt-get install shellcheck'
		return
	fi
	for file in $(guest_scripts); do
		check "shellcheck $file" shellcheck -x -s sh -e SC3043 "$work/$file"
	done
	# OpenRC reads the variables of a service, and gives it functions.
	for file in $(openrc_services); do
		check "shellcheck $file" shellcheck -x -s dash -e SC2034 "$work/$file"
	done
	for file in $(build_scripts); do
		check "shellcheck $file" shellcheck -x -P SCRIPTDIR -P "$checkout" "$checkout/$file"
	done
	for file in "$here"/*.cases.sh; do
		check "shellcheck test/guest/${file##*/}" shellcheck -s sh -e SC1090,SC1091,SC2034,SC2154,SC2317 "$file"
	done
}

check_busybox_syntax() {
	local file
	if ! command -v busybox >/dev/null; then
		fail_case 'busybox is installed' 'apt-get install busybox-static'
		return
	fi
	for file in $(guest_scripts) $(openrc_services); do
		check "busybox syntax $file" busybox ash -n "$work/$file"
	done
}

check_modes() {
	local file
	for file in "$overlay"/etc/init.d/* "$overlay"/usr/sbin/* "$guest"/initramfs/init "$guest"/openrc/*.sh \
		"$guest"/build/make-* "$guest"/recipes/*/make-root "$checkout/scripts/build-guest"; do
		check "is a program: ${file#"$checkout/"}" test -x "$file"
	done
	for file in "$overlay"/usr/lib/mobyvm/*; do
		case $file in
		*.sh) check "is to be sourced: ${file#"$checkout/"}" test ! -x "$file" ;;
		*) check "is a program: ${file#"$checkout/"}" test -x "$file" ;;
		esac
	done
}

# --- what both recipes must agree on -----------------------------------------------------------------------------------

check_services() {
	local service listed
	listed=$(list_entries "$guest/services.txt" | awk '{ print $2 }' | sort)
	check 'every service is wired, and nothing else' \
		diff <(printf '%s\n' "$listed") <(cd "$overlay/etc/init.d" && printf '%s\n' * | sort)
	check 'runlevels are ones that OpenRC starts' \
		bash -c '! grep -vE "^(sysinit|boot|default) [a-z-]+$"' < <(list_entries "$guest/services.txt")
	# One script wires the list; a recipe that wired services of its own would differ from the other.
	check 'no recipe wires services of its own' bash -c "! grep -rnE 'runlevels|rc-update add' '$guest/recipes'"
	for service in $listed; do
		check "service $service is an OpenRC script" grep -q '^#!/sbin/openrc-run$' "$overlay/etc/init.d/$service"
	done
	for service in containerd docker; do
		check "service $service needs the data disk" grep -qE '^	need .*\bmobyvm-data\b' "$overlay/etc/init.d/$service"
	done
	check 'docker needs containerd' grep -qE '^	need .*\bcontainerd\b' "$overlay/etc/init.d/docker"
	# dockerd writes a pidfile of its own, and refuses to start when OpenRC's is already there.
	check 'docker has no pidfile' bash -c "! grep -q '^pidfile=' '$overlay/etc/init.d/docker'"
	for service in run-engine run-containerd; do
		check "$service checks the mount itself" grep -q 'if ! data_disk_is_mounted' "$overlay/usr/lib/mobyvm/$service"
	done
	check 'only one file says where dockerd listens' \
		test "$(grep -rlE -- '--host (unix|tcp)' "$overlay" | wc -l)" -eq 1
}

# What the guest needs, and the package that brings it: PURPOSE DEBIAN ALPINE
check_packages() {
	local purpose debian alpine
	while read -r purpose debian alpine; do
		check "debian has what is needed for $purpose ($debian)" grep -qxF "$debian" <(list_entries "$guest/recipes/debian/packages.txt")
		check "alpine has what is needed for $purpose ($alpine)" grep -qxF "$alpine" <(list_entries "$guest/recipes/alpine/packages.txt")
	done <<-'END'
		kernel linux-image-cloud-amd64 linux-virt
		services openrc openrc
		init openrc openrc-init
		shell busybox-static busybox
		engine docker.io docker-engine
		containers containerd containerd
		firewall-rules iptables iptables
		engine-port-guard nftables nftables
		data-disk e2fsprogs e2fsprogs
		disk-probing util-linux blkid
		modules kmod kmod
		power-button acpid acpid
		key-value-exchange hyperv-daemons hvtools
		shares cifs-utils cifs-utils
		file-events inotify-tools inotify-tools
		unix-socket-client netcat-openbsd netcat-openbsd
		registry-certificates ca-certificates ca-certificates
	END
}

# shellcheck source=test/guest/alpine-facts.sh
source "$here/alpine-facts.sh"
# shellcheck source=test/guest/alpine-mirror.sh
source "$here/alpine-mirror.sh"

check_no_addresses() {
	check 'no file names a mirror or another host' \
		bash -c "! grep -rnE '(https?|ftp|rsync)://[A-Za-z0-9-]+\.[A-Za-z]' '$guest' '$checkout/scripts/build-guest'"
	check 'nothing listens for a remote shell' \
		bash -c "! grep -rnwE 'sshd|dropbear|telnetd|nc -l|getty|agetty' '$overlay' '$guest/services.txt' '$guest/recipes/debian/packages.txt' '$guest/recipes/alpine/packages.txt'"
}

check_boot_files() {
	local line
	line=$("$guest/build/kernel-command-line")
	for word in console=ttyS0,115200 quiet panic=-1 net.ifnames=0; do
		check "kernel command line has $word" grep -qF " $word " <<<" $line "
	done
	check 'the serial port is the last console' test "$(grep -oE 'console=[^ ]+' <<<"$line" | tail -n 1)" = console=ttyS0,115200
	check 'isolinux speaks on the serial port' grep -q '^serial 0 115200$' "$guest/boot/isolinux.cfg.in"
	check 'isolinux does not wait' grep -q '^prompt 0$' "$guest/boot/isolinux.cfg.in"
}

check_usage() {
	local status
	check 'build-guest --help' bash -c "'$checkout/scripts/build-guest' --help | grep -q '^Usage:'"
	for arguments in --bogus '--recipe slackware' --output; do
		status=0
		# shellcheck disable=SC2086 # words
		"$checkout/scripts/build-guest" $arguments >"$work/out" 2>"$work/err" || status=$?
		check "build-guest $arguments is wrong usage" test "$status" -eq 2
		check "build-guest $arguments says how it is used, on stderr" grep -q '^Usage:' "$work/err"
		check "build-guest $arguments says nothing on stdout" test ! -s "$work/out"
	done
	if [ "$(id -u)" -eq 0 ]; then
		status=0
		env -u MOBYVM_ALPINE_MIRROR -u MOBYVM_APK "$checkout/scripts/build-guest" --recipe alpine --cache "$work/cache" >"$work/out" 2>"$work/err" || status=$?
		check 'build-guest --recipe alpine without a mirror: exit status 1' test "$status" -eq 1
		check 'build-guest --recipe alpine names what to set' grep -q 'MOBYVM_ALPINE_MIRROR' "$work/err"
		check 'build-guest --recipe alpine names the other recipe' grep -q -e '--recipe debian' "$work/err"
	fi
}

# image_of FOLDER: an image of a small tree, made in FOLDER at whatever time it is
image_of() {
	local folder=$1
	mkdir -p "$folder/tree/etc"
	printf 'text\n' | tee "$folder/tree/etc/file" "$folder/kernel" >"$folder/initramfs"
	export SOURCE_DATE_EPOCH=1700000000
	"$guest/build/make-squashfs" "$folder/tree" "$folder/squashfs" &&
		"$guest/build/make-iso" "$folder/image.iso" MOBYVM "$folder/kernel" "$folder/initramfs" "$folder/squashfs"
}

check_reproducible() {
	check 'an image is built' image_of "$work/first"
	# FAT has times of two seconds.
	sleep 2.1
	check 'it is built again, from files of another time' image_of "$work/second"
	check 'both squashfs are the same, byte for byte' cmp "$work/first/squashfs" "$work/second/squashfs"
	check 'both images are the same, byte for byte' cmp "$work/first/image.iso" "$work/second/image.iso"
}

# --- the services' logic -----------------------------------------------------------------------------------------------

# A cases file prints "ok NAME" or "FAIL NAME: DETAIL" per case. It gets the folder with the scripts and one to work in.
run_cases() {
	local file=$1 line count=0 status=0
	mkdir "$work/${file##*/}"
	while IFS= read -r line; do
		count=$((count + 1))
		case $line in
		'ok '*) pass "${line#ok }" ;;
		*) fail_case "${line#FAIL }" ;;
		esac
	done < <(busybox ash "$file" "$work/overlay/usr/lib/mobyvm" "$work/${file##*/}" 2>&1 || echo "FAIL ${file##*/} ended with status $?")
	[ "$count" -gt 0 ] || fail_case "${file##*/} has cases"
}

case ${1:-} in
'') ;;
--help | -h)
	usage
	exit 0
	;;
*)
	printf 'check.sh: unknown argument: %s\n\n' "$1" >&2
	usage >&2
	exit 2
	;;
esac

copy_for_checking
check_shellcheck
check_busybox_syntax
check_modes
check_services
check_packages
check_alpine
check_no_addresses
check_boot_files
check_usage
check_reproducible
check_alpine_mirror
check_alpine_comparison
for cases in "$here"/*.cases.sh; do run_cases "$cases"; done

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
