# shellcheck shell=bash
# Alpine recipe: what scripts/build-guest asks of it. To be sourced after guest/build/common.sh.

# The branch of Alpine. What the recipe relies on in it is listed in facts/BRANCH.txt.
RECIPE_SUITE=v3.22

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

# check_mirror ADDRESS: fails on what cannot be one
check_mirror() {
	case $1 in
	https://?* | http://?* | file:///?*) ;;
	*) fail "not the address of an Alpine mirror: $1" 'give one that begins with https://, http:// or file:///' ;;
	esac
	case $1 in
	*/v[0-9]*.[0-9]* | */edge | */main | */community)
		fail "the mirror's address contains a branch or repository: $1" \
			"give the folder that holds $RECIPE_SUITE/; the branch is RECIPE_SUITE in guest/recipes/alpine/recipe.sh"
		;;
	esac
}

# recipe_prepare [MIRROR]: sets RECIPE_SOURCES to the program, the keys and the repositories, and RECIPE_ROOT_INPUTS to what
# else the root depends on. Everything that is missing is reported at once.
recipe_prepare() {
	local missing=() remedies=() apk keys mirror version
	apk=$(alpine_apk)
	keys=${MOBYVM_ALPINE_KEYS:-/etc/apk/keys}
	mirror=${1:-${MOBYVM_ALPINE_MIRROR:-}}
	mirror=${mirror%/}
	if [ -z "$apk" ]; then
		missing+=('the static apk program')
		remedies+=('set MOBYVM_APK to the path of apk.static, or put apk on PATH')
	elif [ ! -f "$apk" ] || [ ! -x "$apk" ]; then
		missing+=("the static apk program ($apk is not a program)")
		remedies+=('set MOBYVM_APK to the path of apk.static')
	fi
	if ! compgen -G "$keys/*.pub" >/dev/null; then
		missing+=("Alpine's signing keys (none in $keys)")
		remedies+=('set MOBYVM_ALPINE_KEYS to the folder with the keys of the alpine-keys package')
	fi
	if [ -z "$mirror" ]; then
		missing+=('an Alpine mirror')
		remedies+=("give --mirror or set MOBYVM_ALPINE_MIRROR (the address of the folder that holds $RECIPE_SUITE/)")
	fi
	if [ ${#missing[@]} -gt 0 ]; then
		fail "the alpine recipe lacks: $(join_with ', ' "${missing[@]}")" \
			"$(join_with '; ' "${remedies[@]}"); --recipe debian builds the same guest from Debian's packages"
	fi
	check_mirror "$mirror"
	version=$("$apk" --version 2>&1) || fail "$apk does not run: $version" 'set MOBYVM_APK to the path of apk.static'
	# shellcheck disable=SC2034 # for build-guest
	RECIPE_SOURCES=("$apk" "$keys" "$mirror/$RECIPE_SUITE/main" "$mirror/$RECIPE_SUITE/community")
	# Another apk, the tests' stand-in above all, gives another root.
	# shellcheck disable=SC2034 # for build-guest
	RECIPE_ROOT_INPUTS=("$version")
}

join_with() {
	local separator=$1 joined=$2 part
	shift 2
	for part; do joined+=$separator$part; done
	printf '%s' "$joined"
}
