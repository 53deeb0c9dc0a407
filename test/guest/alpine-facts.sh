# shellcheck shell=bash
# The Alpine recipe and the guest's scripts, held against the facts about Alpine's branch (guest/recipes/alpine/facts). To be
# sourced by check.sh.
# shellcheck disable=SC2154 # check.sh sets guest, overlay, checkout and work

# fact KIND FIELD...: is there a fact that begins so?
fact() {
	local prefix="$* "
	awk -v prefix="$prefix" 'index($0 " ", prefix) == 1 { found = 1 } END { exit !found }' "$facts"
}

# Prints the packages that the recipe installs in the guest.
alpine_packages() {
	list_entries "$guest/recipes/alpine/packages.txt"
}

check_alpine_packages() {
	local package path
	for package in $(alpine_packages) $(sed -n 's/^\tadd \(linux-virt-dev .*\)/\1/p' "$guest/recipes/alpine/make-module-tools"); do
		check "alpine: $branch has a package $package" fact package "$package"
	done
	# All files and programs in the facts are needed.
	while read -r package; do
		check "alpine: $package is installed" grep -qxF "$package" <(alpine_packages)
	done < <(awk '$1 == "file" || $1 == "program" { print $2 }' "$facts" | sort -u)
	check 'alpine: no initramfs is made while the kernel is installed' \
		grep -q "^echo 'disable_trigger=yes' >.*mkinitfs.conf" "$guest/recipes/alpine/make-root"
	while read -r path; do
		check "alpine: acpid's own $path is removed" is_removed "${path#/}"
	done < <(awk '$1 == "file" && $3 ~ "^/etc/acpi/" { print $3 }' "$facts")
}

is_removed() {
	local pattern
	while read -r pattern; do
		# shellcheck disable=SC2053 # a glob
		[[ $1 != $pattern ]] || return 0
	done < <(list_entries "$guest/recipes/alpine/remove.txt")
	return 1
}

# Prints the lines of the guest's scripts, without comments and messages; #! stays.
guest_lines() {
	(cd "$guest" && find overlay initramfs/init openrc -type f -name '*' ! -name '*.conf' ! -name '*.json' ! -name '*.toml' -print0 |
		sort -z | xargs -0 cat) | sed -E -e '/^[[:space:]]*#[^!]/d' -e '/^[[:space:]]*#$/d'
}

# Is there a program at this path in the guest?
is_in_guest() {
	# make-tree makes the init a link to OpenRC's.
	[ "$1" != /sbin/init ] || return 0
	[ ! -e "$overlay$1" ] || return 0
	# make-tree links what the overlay has in /usr/sbin.
	[[ $1 != /sbin/* || ! -e $overlay/usr$1 ]] || return 0
	awk -v path="$1" '$1 == "file" && $3 == path { found = 1 } END { exit !found }' "$facts" && return 0
	fact applet "${1##*/}" && grep -qxF "${1#/}" <(busybox --list-full)
}

# path_of NAME: where the facts have a file of that name
path_of() {
	awk -v name="/$1" '$1 == "file" && substr($3, length($3) - length(name) + 1) == name { print $3 }' "$facts"
}

check_alpine_paths() {
	local path name folders folder found
	for path in $(guest_lines | grep -oE '(^|[^A-Za-z0-9_/.-])(/usr)?/s?bin/[a-z0-9._-]+' | sed 's/^[^/]//' | sort -u); do
		check "alpine: $path, which the guest's scripts name, exists" is_in_guest "$path"
	done
	path=$(sed -n 's/^ln -s \([^ ]*\) .*unix-nc"$/\1/p' "$guest/recipes/alpine/make-root")
	check "alpine: $path, which make-root links, exists" is_in_guest "$path"
	check 'alpine: runc-guard finds runc' grep -qF "\"$(path_of runc)\"" "$guest/runc-guard/runc-guard.c"
	check 'alpine: port-proxy finds docker-proxy' grep -qF "\"$(path_of docker-proxy)\"" "$guest/port-proxy/port-proxy.c"
	check 'alpine: /sbin/openrc-init, which make-tree makes the init, exists' is_in_guest /sbin/openrc-init
	# What /sbin has by these names, where it is a folder, is busybox's.
	check 'alpine: make-tree links poweroff, halt and reboot in /sbin' grep -qx link_shutdown_programs "$guest/build/make-tree"
	while read -r name folders; do
		found=false
		for folder in $folders; do
			[ "$(path_of "$name")" != "/$folder/$name" ] || found=true
		done
		check "alpine: make-tree finds $name" "$found"
	done < <(sed -n 's/^link_program \([^$]*\)$/\1/p' "$guest/build/make-tree")
	path=$(awk '$1 == "file" && $3 ~ "/openrc-run.sh$" { print $3 }' "$facts")
	check "alpine: make-tree looks for OpenRC's scripts in $path" \
		grep -qF "\"\$tree${path%/sh/*}\"" "$guest/build/make-tree"
}

# Words where a command may be, as far as they are names of busybox's applets.
check_alpine_applets() {
	local name
	for name in $(guest_lines | sed -E -e 's/"[^"$`]*"/""/g' -e "s/'[^']*'/''/g" |
		grep -oE '(^|\|\|?|&&|;;?|\$\(|[(){!]|\b(then|do|else|if|elif|while|until|exec)\b)[[:space:]]*[a-z0-9]+' | grep -oE '[a-z0-9]+$' |
		sort -u | grep -xFf <(busybox --list) | grep -vxFf <(no_applets)); do
		check "alpine: there is a program $name" bash -c "grep -qE '^(applet|program [^ ]+) $name\$' '$facts'"
	done
}

# The shell's own commands, busybox itself, and variables in awk's programs.
no_applets() {
	printf '%s\n' busybox id last top '[' '[[' break cd continue echo eval exec exit export false for if kill printf pwd read return set shift test time \
		true type ulimit umask uptime wait which
}

# module_is STATES NAME: the state of a kernel module
module_is() {
	awk -v states="$1" -v name="$2" '$1 == "module" && $2 == name { found = index(states, $3) } END { exit !found }' "$facts"
}

check_alpine_kernel() {
	local name state
	for name in $(list_entries "$guest/modules.txt") $(list_entries "$guest/initramfs/modules.txt"); do
		case $name in
		\?*) check "alpine: it is known whether the kernel has the module ${name#\?}" module_is my- "${name#\?}" ;;
		*) check "alpine: the kernel has the module $name" module_is my "$name" ;;
		esac
	done
	# What programs make the kernel load by its use.
	while read -r name state; do
		check "alpine: the module $name, for $state, is in modules.txt or built in" \
			bash -c "grep -qE '^module $name y\$' '$facts' || sed 's/#.*//' '$guest/modules.txt' | tr ' ' '\n' | grep -qE '^[?]?$name\$'"
	done <<-'END'
		af_packet udhcpc
		binfmt_misc images of other processors
		cifs shares
		ext4 the data disk
		fuse kvp-device
		nf_tables nft
		overlay dockerd
		tun containers
	END
	# "modprobe" is followed by options and names, on several lines if they end with a backslash.
	for name in $(guest_lines | sed -e ':a' -e '/\\$/N; s/\\\n//; ta' -e 's/2>.*//' | sed -n 's/.*\/sbin\/modprobe\(\( -[a-z]\)* [A-Za-z0-9_ 	]*\).*/\1/p'); do
		[[ $name == -* ]] || check "alpine: the module $name, which the guest loads, exists" module_is my "$name"
	done
	while read -r name state; do
		check "alpine: the kernel option $name is $state" fact option "$name" "$state"
	done <<-'END'
		ACPI y
		BINFMT_SCRIPT y
		BLK_DEV_INITRD y
		BPF_SYSCALL y
		CGROUPS y
		CGROUP_BPF y
		CGROUP_PIDS y
		DEVTMPFS y
		DMI_SYSFS y
		EFI_STUB y
		FANOTIFY y
		INOTIFY_USER y
		IPV6 y
		KEYS y
		MAGIC_SYSRQ y
		MEMCG y
		MODULE_SIG_FORCE n
		NAMESPACES y
		NF_TABLES_INET y
		NF_TABLES_IPV4 y
		RD_ZSTD y
		RTC_DRV_CMOS y
		RTC_INTF_SYSFS y
		SECCOMP_FILTER y
		SERIAL_8250_CONSOLE y
		SQUASHFS_ZSTD y
		TMPFS y
		UNIX98_PTYS y
		USER_NS y
	END
}

check_alpine_shell() {
	local name
	while read -r name; do
		check "alpine: no script uses the shell's $name, which is empty" bash -c "! grep -q '$name' <<<\"\$1\"" - "$(guest_lines)"
	done < <(awk '$1 == "shell" && $3 == "empty" { print $2 }' "$facts")
}

check_alpine() {
	local branch facts
	branch=$(sed -n 's/^RECIPE_SUITE=//p' "$guest/recipes/alpine/recipe.sh")
	facts=$work/alpine-facts
	if [ ! -e "$guest/recipes/alpine/facts/$branch.txt" ]; then
		fail_case "alpine: there are facts about $branch" "scripts/verify-alpine --write makes guest/recipes/alpine/facts/$branch.txt"
		return
	fi
	list_entries "$guest/recipes/alpine/facts/$branch.txt" >"$facts"
	check "alpine: the facts are about $branch" fact branch "$branch"
	check 'alpine: the branch is named in one place' test \
		"$(grep -lE '\bv3\.[0-9]|ALPINE_BRANCH' "$guest"/recipes/alpine/* "$checkout/scripts/build-guest" 2>/dev/null)" = "$guest/recipes/alpine/recipe.sh"
	check_alpine_packages
	check_alpine_paths
	check_alpine_applets
	check_alpine_kernel
	check_alpine_shell
}
