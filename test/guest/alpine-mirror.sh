# shellcheck shell=bash
# scripts/build-guest --recipe alpine with a mirror that cannot be used: an error with a remedy, and nothing left behind. To be
# sourced by check.sh. Only root can build.
# shellcheck disable=SC2154 # check.sh sets checkout and work

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
