# shellcheck shell=bash
# Alpine recipe: what scripts/build-guest asks of it. To be sourced after guest/build/common.sh.

RECIPE_SUITE=${MOBYVM_ALPINE_BRANCH:-v3.22}

recipe_missing_tools() {
	:
}

alpine_apk() {
	if [ -n "${MOBYVM_APK:-}" ]; then
		printf '%s\n' "$MOBYVM_APK"
	else
		command -v apk || true
	fi
}

# Sets RECIPE_SOURCES to the program and the repositories. All that is missing is said at once.
recipe_prepare() {
	local missing=() remedies=() apk
	apk=$(alpine_apk)
	if [ -z "$apk" ]; then
		missing+=('the static apk program')
		remedies+=('set MOBYVM_APK to the path of apk.static, or put apk on PATH')
	elif [ ! -x "$apk" ]; then
		missing+=("the static apk program ($apk is not a program)")
		remedies+=('set MOBYVM_APK to the path of apk.static')
	fi
	if [ -z "${MOBYVM_ALPINE_MIRROR:-}" ]; then
		missing+=('an Alpine mirror')
		remedies+=('set MOBYVM_ALPINE_MIRROR to the address of one (the folder that holds v3.22/ and others)')
	fi
	if [ ${#missing[@]} -gt 0 ]; then
		fail "the alpine recipe lacks: $(join_with ', ' "${missing[@]}")" \
			"$(join_with '; ' "${remedies[@]}"); --recipe debian builds the same guest from Debian's packages"
	fi
	# shellcheck disable=SC2034 # for build-guest
	RECIPE_SOURCES=("$apk" "$MOBYVM_ALPINE_MIRROR/$RECIPE_SUITE/main" "$MOBYVM_ALPINE_MIRROR/$RECIPE_SUITE/community")
}

join_with() {
	local separator=$1 joined=$2 part
	shift 2
	for part; do joined+=$separator$part; done
	printf '%s' "$joined"
}
