# shellcheck shell=bash
# scripts/build-guest --recipe alpine with a mirror that cannot be used: an error with a remedy, and nothing left behind. And the
# comparison of a root with the facts. To be sourced by check.sh. Only root can do either.
# shellcheck disable=SC2154 # check.sh sets checkout, guest and work

support=$checkout/test/support/alpine

# build_alpine KEYS ARGUMENT...: with the stand-in for apk, which fails before it needs the Debian root
build_alpine() {
	local keys=$1
	shift
	env -u MOBYVM_ALPINE_MIRROR MOBYVM_STAND_IN_ROOT="$work/debian" MOBYVM_APK="$support/apk" MOBYVM_ALPINE_KEYS="$keys" \
		"$checkout/scripts/build-guest" --recipe alpine --cache "$work/alpine-cache" --output "$work/alpine-out" "$@" \
		>"$work/out" 2>"$work/err"
}

# refused NAME ERROR REMEDY KEYS ARGUMENT...
refused() {
	local name=$1 error=$2 remedy=$3 status=0
	shift 3
	build_alpine "$@" || status=$?
	check "build-guest: $name: exit status 1" test "$status" -eq 1
	check "build-guest: $name: the error" grep -qE "build-guest: .*$error" "$work/err"
	check "build-guest: $name: the remedy" grep -qE "remedy: .*$remedy" "$work/err"
	check "build-guest: $name: one remedy" test "$(grep -c 'remedy: ' "$work/err")" -eq 1
	check "build-guest: $name: nothing is left behind" test -z "$(find "$work/alpine-cache" "$work/alpine-out" -type f 2>/dev/null)"
}

check_alpine_mirror() {
	local mirror=file://$work/mirror keys=$work/keys
	if [ "$(id -u)" -ne 0 ]; then return; fi
	mkdir -p "$work/debian"
	echo none >"$work/debian/generation"
	check 'a mirror for the stand-in' "$support/make-mirror" "$work/mirror" "$keys"
	check 'a mirror signed with another key' "$support/make-mirror" "$work/other-mirror" "$work/other-keys"
	check 'a mirror without a package' "$support/make-mirror" "$work/less-mirror" "$work/less-keys" acpid
	mkdir -p "$work/renamed-keys"
	cp "$keys/stand-in.rsa.pub" "$work/renamed-keys/other.rsa.pub"

	refused 'another key of that name' 'not signed with the keys in .*/other-keys' 'alpine-keys' "$work/other-keys" --mirror "$mirror"
	refused 'none of the keys' 'not signed with the keys in .*/renamed-keys' 'alpine-keys' "$work/renamed-keys" --mirror "$mirror"
	refused 'no keys' "Alpine's signing keys" 'MOBYVM_ALPINE_KEYS' "$work/no-keys" --mirror "$mirror"
	refused 'nothing at the address' 'did not deliver the index' '--mirror' "$keys" --mirror "file://$work/nothing"
	refused 'a package is missing' 'lacks packages of guest/recipes/alpine/packages.txt' 'RECIPE_SUITE' "$work/less-keys" --mirror "file://$work/less-mirror"
	check 'build-guest: a package is missing: its name' grep -q ' acpid (no such package)' "$work/err"
	refused 'not an address' 'not the address of an Alpine mirror: ftp' 'https' "$keys" --mirror ftp://example
	refused 'an address with the branch' 'contains a branch or repository' 'RECIPE_SUITE' "$keys" --mirror "https://mirror.invalid/alpine/v3.22/"
	refused 'no mirror' 'lacks: an Alpine mirror' '--mirror' "$keys"
}

# small_debian FOLDER: as much of the Debian guest's root as the stand-in needs. Its programs do nothing.
small_debian() {
	local name
	mkdir -p "$1"/{etc,tmp,boot,usr/bin,usr/sbin,usr/lib/rc/sh,usr/lib/modules/6.0-small/kernel}
	echo small >"$1/generation"
	for name in bin sbin lib; do ln -s "usr/$name" "$1/$name"; done
	cp "$(command -v busybox)" "$1/usr/bin/busybox"
	for name in readlink sh; do ln -s busybox "$1/usr/bin/$name"; done
	for name in acpid blkid hv_kvp_daemon nft openrc-run openrc-init openrc-shutdown openrc rc-service supervise-daemon mount.cifs \
		docker-proxy dockerd e2fsck mkfs.ext4 resize2fs runc {iptables,ip6tables}{,-restore} nc containerd containerd-shim-runc-v2 docker-init \
		inotifywait ip ps flock mountpoint modprobe depmod; do
		printf '#!/bin/sh\n' >"$1/usr/sbin/$name"
		chmod 755 "$1/usr/sbin/$name"
	done
	for name in openrc-run init gendepends; do : >"$1/usr/lib/rc/sh/$name.sh"; done
	: >"$1/boot/vmlinuz-6.0-small"
	echo CONFIG_ACPI=y >"$1/boot/config-6.0-small"
	for name in order builtin builtin.modinfo; do : >"$1/usr/lib/modules/6.0-small/modules.$name"; done
}

compare_facts() {
	"$guest/recipes/alpine/compare-facts" "$work/alpine-facts" "$work/alpine-root" >"$work/out" 2>&1
}

check_alpine_comparison() {
	local difference branch
	if [ "$(id -u)" -ne 0 ]; then return; fi
	branch=$(awk '$1 == "branch" { print $2 }' "$work/alpine-facts")
	small_debian "$work/small-debian"
	mkdir "$work/alpine-root"
	check 'alpine: make-root with the stand-in' env MOBYVM_STAND_IN_ROOT="$work/small-debian" \
		"$guest/recipes/alpine/make-root" "$work/alpine-root" "$branch" "$support/apk" "$work/keys" \
		"file://$work/mirror/$branch/main" "file://$work/mirror/$branch/community"
	sed -i '/^module/d; /^option/d; /^shell/d' "$work/alpine-facts"
	check 'compare-facts: no difference' compare_facts
	sed -i 's|^R:hv_kvp_daemon$|R:none\nF:usr/sbin\nR:hv_kvp_daemon|' "$work/alpine-root/lib/apk/db/installed"
	sed -i '/^acpid\t/d' "$work/alpine-root/packages.tsv"
	printf '%s\n' 'module overlay m' 'option ACPI n' 'program runc crun' >>"$work/alpine-facts"
	check 'compare-facts: differences are a failure' bash -c "! '$guest/recipes/alpine/compare-facts' '$work/alpine-facts' '$work/alpine-root'"
	compare_facts || true
	for difference in 'file hvtools /usr/bin/hv_kvp_daemon: found: file hvtools /usr/sbin/hv_kvp_daemon' 'package acpid -: found: package acpid missing' \
		'module overlay m: found: module overlay -' 'option ACPI n: found: option ACPI y' 'program runc crun: found: program missing crun'; do
		check "compare-facts: $difference" grep -qxF "DIFFERENCE: $difference" "$work/out"
	done
	check 'compare-facts: no other difference' grep -qx '5 differences' "$work/out"
}
