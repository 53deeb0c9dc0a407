#!/bin/bash
# get-peers.sh FOLDER: unpacks the programs that the benchmark needs into FOLDER, from Debian's packages. Nothing is installed,
# and no service is enabled.
set -euo pipefail
folder=$1
packages=(haproxy liblua5.3-0 libopentracing-c-wrapper0 libopentracing1 docker.io iperf3 libiperf0 libsctp1 wrk libluajit-5.1-2
	libluajit-5.1-common)

[ -e "$folder/done" ] && exit 0
mkdir -p "$folder/packages"
cd "$folder/packages"
for package in "${packages[@]}"; do
	# Not every release has each of them, and those that a program lacks then show when it is started.
	apt-get download "$package" >/dev/null 2>&1 || echo "get-peers: $package is not in Debian's archive" >&2
done
for package in ./*.deb; do dpkg -x "$package" "$folder"; done
: >"$folder/done"
