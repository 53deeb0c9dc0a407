# shellcheck shell=bash
# Debian recipe: what scripts/build-guest asks of it. To be sourced after guest/build/common.sh.

RECIPE_SUITE=trixie

recipe_missing_tools() {
	command -v mmdebstrap >/dev/null || echo mmdebstrap
	[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || echo debian-archive-keyring
	command -v apt-get >/dev/null || echo apt
}

# The package archives in this machine's apt configuration, as lines "RELEASE ADDRESS"
apt_repositories() {
	# shellcheck disable=SC2016 # apt's own placeholders
	apt-get indextargets --format '$(CREATED_BY) $(RELEASE) $(REPO_URI)' 2>/dev/null | awk '$1 == "Packages" { print $2, $3 }'
}

# recipe_prepare [MIRROR]: sets RECIPE_SOURCES to the archives, as lines for apt
recipe_prepare() {
	local repositories mirror security
	if [ -n "${1:-${MOBYVM_DEBIAN_MIRROR:-}}" ]; then
		mirror=${1:-$MOBYVM_DEBIAN_MIRROR}
		security=${MOBYVM_DEBIAN_SECURITY_MIRROR:-}
	else
		repositories=$(apt_repositories)
		# A plain release name is the main archive; names with a suffix are updates, backports and security.
		mirror=$(awk '$1 ~ /^[a-z]+$/ { print $2; exit }' <<<"$repositories")
		security=$(awk '$1 ~ /-security$/ { print $2; exit }' <<<"$repositories")
	fi
	[ -n "$mirror" ] || fail 'no Debian mirror: this machine'"'"'s apt configuration names none' \
		'give --mirror or set MOBYVM_DEBIAN_MIRROR, the address of a Debian archive (and MOBYVM_DEBIAN_SECURITY_MIRROR to one of its security archive)'
	RECIPE_SOURCES=("deb $mirror $RECIPE_SUITE main")
	[ -z "$security" ] || RECIPE_SOURCES+=("deb $security $RECIPE_SUITE-security main")
}
