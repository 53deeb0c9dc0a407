# shellcheck shell=bash
# What the build's scripts share. To be sourced.

set -euo pipefail
shopt -s extglob

# File names sort the same and messages read the same everywhere.
export LC_ALL=C
umask 022

# fail MESSAGE [REMEDY]: a failure that the user can fix. line_open is set while build-guest has started the line of a step.
fail() {
	[ -z "${line_open:-}" ] || printf 'failed\n'
	printf 'build-guest: %s\n' "$1" >&2
	[ $# -lt 2 ] || printf '  remedy: %s\n' "$2" >&2
	exit 1
}

# list_entries FILE: its lines without comments and blanks
list_entries() {
	sed -e 's/#.*//' -e 's/[[:space:]]*$//' "$1" | sed '/^$/d'
}

# kernel_version_of ROOT: the kernel version, from <root>/lib/modules
kernel_version_of() {
	local versions=("$1"/lib/modules/*)
	if [ ${#versions[@]} -ne 1 ] || [ ! -d "${versions[0]}" ]; then
		fail "expected one kernel in $1/lib/modules, found: ${versions[*]##*/}"
	fi
	printf '%s\n' "${versions[0]##*/}"
}

# copy_modules ROOT DESTINATION NAME...: kernel modules with all that they depend on, uncompressed: the squashfs packs
# them, so the guest's kernel need not unpack twice. They also lose their type information and their signatures, which the
# kernel would read and verify at each boot: they are on the medium that the kernel itself comes from, and that is not
# signed. A name with a leading "?" may be missing.
copy_modules() {
	local root=$1 destination=$2 version name file unpacked
	shift 2
	version=$(kernel_version_of "$root")
	for name; do
		if ! chroot "$root" modprobe --set-version "$version" --show-depends "${name#\?}" 2>/dev/null; then
			[[ $name == \?* ]] || fail "the kernel $version has no module $name" 'mark it with "?" in the list of modules if it can be spared'
		fi
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r file; do
		unpacked=$destination${file%.@(xz|gz|zst)}
		mkdir -p "${unpacked%/*}"
		case $file in
		*.xz) xz -dc "$root$file" >"$unpacked" ;;
		*.gz) gzip -dc "$root$file" >"$unpacked" ;;
		*.zst) zstd -dcq "$root$file" >"$unpacked" ;;
		*) cp "$root$file" "$unpacked" ;;
		esac
		objcopy --strip-debug --remove-section=.BTF "$unpacked"
	done
	mkdir -p "$destination/lib/modules/$version"
	cp "$root/lib/modules/$version"/modules.{order,builtin,builtin.modinfo} "$destination/lib/modules/$version/"
}

# index_modules ROOT TREE: what modprobe reads. The depmod of the guest's own root is used, so the host needs none.
index_modules() {
	local root=$1 tree=$2 version
	version=$(kernel_version_of "$tree")
	# The bind mount lies on a RAM disk over /mnt: the root, which is in the cache, stays untouched.
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount -- bash -euc '
		mount -t tmpfs tree "$1/mnt"
		mkdir "$1/mnt/tree"
		mount --bind "$2" "$1/mnt/tree"
		chroot "$1" depmod --basedir /mnt/tree "$3"
	' index-modules "$root" "$tree" "$version"
}

# newest_root CACHE RECIPE: prints the root that was used last; status 1 if there is none
newest_root() {
	local newest
	newest=$(find "$1/root" -mindepth 1 -maxdepth 1 -name "$2-*" -printf '%T@ %p\n' 2>/dev/null | sort -rn | head -n 1 | cut -d' ' -f2-)
	[ -n "$newest" ] && printf '%s\n' "$newest"
}
