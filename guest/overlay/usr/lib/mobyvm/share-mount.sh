# shellcheck shell=sh
# Mounts and unmounts one share. To be sourced, after console.sh, share-points.sh and share-steps.sh, with umask 077.
#
# What is known of a share, in SHARES/ID: points; order, a fingerprint of what is mounted; state, one of
#   mounting | mounted | failed STEP ERRNO TEXT | unmounted

MOUNT_SECONDS=8
# E_md4hash in fs/smb/client/smbencrypt.c takes no more of a password, in UTF-8: a longer one would be a wrong one.
MAX_PASSWORD_BYTES=128
KERNEL_LOG=${KERNEL_LOG:-/dev/kmsg}

# share-link and wait_for_shares look at it.
share_state() {
	echo "$2" >"$SHARES/$1/state.new"
	mv "$SHARES/$1/state.new" "$SHARES/$1/state"
	: >"$SHARES/changed"
}

reach_server() {
	/usr/lib/mobyvm/share-link reach "$1" "$2"
}

kernel_messages() {
	dmesg
}

# The first mount would spend its time on this.
load_cifs() {
	[ -d /sys/module/cifs ] || /sbin/modprobe -a -q cifs nls_utf8 cmac ccm gcm 2>/dev/null || :
}

# The password counts, and must not be found out from what is kept: the fingerprint has a secret of this boot in it.
order_fingerprint() {
	[ -s "$SHARES/salt" ] || head -c 32 /dev/urandom >"$SHARES/salt"
	# With a heading above each file.
	order_sum=$(tail -n +1 "$SHARES/salt" points unc user domain options password | sha256sum)
	echo "${order_sum%% *}"
}

# read_port: sets mount_port, from the options
read_port() {
	mount_port=445
	while IFS= read -r port_option || [ -n "$port_option" ]; do
		case $port_option in port=*) mount_port=${port_option#port=} ;; esac
	done <options
}

# With the host's options in one text; the values hold no comma.
mount_options() {
	IFS= read -r options_user <user || :
	IFS= read -r options_domain <domain || :
	printf '%s' "ip=$1,port=$2,"
	if [ -n "$options_user" ]; then printf '%s' "username=$options_user"; else printf guest; fi
	[ -z "$options_domain" ] || printf '%s' ",domain=$options_domain"
	while IFS= read -r option; do
		case $option in port=*) ;; *) printf ',%s' "$option" ;; esac
	done <options
}

# mount_first UNC POINT ADDRESS PORT: prints "STEP ERRNO TEXT" if it fails
# One mount at a time of each server: the kernel's messages name the server, not the mount that they are of.
mount_first() {
	(
		flock 7
		load_cifs
		read -r marker_uptime _ </proc/uptime
		marker="mobyvm: mounting $1 at $marker_uptime"
		echo "<6>$marker" >>"$KERNEL_LOG"
		mount_status=0
		mount_output=$(PASSWD_FD=6 timeout -s KILL "$MOUNT_SECONDS" mount.cifs "$1" "$2" -o "$(mount_options "$3" "$4")" \
			6<password 7>&- 8>&- 2>&1) || mount_status=$?
		[ "$mount_status" -ne 0 ] || exit 0
		if [ "$mount_status" -eq 137 ] || [ "$mount_status" -eq 124 ]; then
			echo "login 0 the server did not answer within $MOUNT_SECONDS s"
			exit 0
		fi
		mount_error=$(mount_errno "$mount_output")
		mount_lines=''
		! needs_kernel_lines "$mount_error" || mount_lines=$(kernel_messages)
		# Those of this mount, which come after the last marker.
		mount_lines=${mount_lines##*"$marker"}
		echo "$(mount_step "$mount_error" "$mount_lines") $mount_error $(mount_text "$mount_output" "$mount_lines")"
	) 7>"$SHARES/server-$3"
}

# bind_others FIRST: the other points, one a line, come by standard input
bind_others() {
	while IFS= read -r bound_point; do
		bind_output=$(mount --bind "$1" "$bound_point" 2>&1) || {
			echo "mount 5 $bound_point: $bind_output"
			return
		}
	done
}

# mount_on_points SHARE: prints "STEP ERRNO TEXT" if it fails; nothing is mounted then
mount_on_points() {
	password_bytes=$(stat -c %s password)
	if [ "$password_bytes" -gt "$MAX_PASSWORD_BYTES" ]; then
		echo "login 0 the password has $password_bytes bytes in UTF-8, but the VM's kernel takes at most $MAX_PASSWORD_BYTES"
		return
	fi
	IFS= read -r mount_unc <unc || :
	mount_server=${mount_unc#//}
	mount_server=${mount_server%%/*}
	read_port
	IFS= read -r mount_point <points
	mount_failure=$(reach_server "$mount_server" "$mount_port")
	[ "$mount_failure" != ok ] || mount_failure=$(mount_first "$mount_unc" "$mount_point" "$mount_server" "$mount_port")
	if [ -z "$mount_failure" ]; then
		mount_failure=$(tail -n +2 points | bind_others "$mount_point")
		[ -z "$mount_failure" ] || unmount_points points
	fi
	printf '%s' "$mount_failure"
}

# is_cut_off SHARE: its connection was lost and cannot be made again. When that is because the login is refused now, as after
# a change of the password, the kernel says EHOSTDOWN all the same (smb2_reconnect in fs/smb/client/smb2pdu.c).
is_cut_off() {
	cut_health=''
	[ ! -e "$SHARES/$1/health" ] || read -r cut_health <"$SHARES/$1/health" || :
	[ "$cut_health" = 'broken 112' ]
}

# try_login SHARE: prints "STEP ERRNO TEXT" if the share could not be mounted now. What is mounted works again by itself if the
# password is right.
try_login() {
	IFS= read -r try_unc <unc || :
	try_server=${try_unc#//}
	try_server=${try_server%%/*}
	read_port
	try_failure=$(reach_server "$try_server" "$mount_port")
	if [ "$try_failure" = ok ]; then
		mkdir -p "$SHARES/$1/try"
		try_failure=$(mount_first "$try_unc" "$SHARES/$1/try" "$try_server" "$mount_port")
		[ -n "$try_failure" ] || umount -l "$SHARES/$1/try"
	fi
	printf '%s' "$try_failure"
}

# is_refused FAILURE: the server has said no. Error 0 is one that did not answer.
is_refused() {
	case $1 in 'login 0 '*) return 1 ;; 'login '*) ;; *) return 1 ;; esac
}

# share_failed SHARE FAILURE
share_failed() {
	share_state "$1" "failed $2"
	stage_error shares "$1: ${2%% *}: ${2#* * }"
}

# mount_share SHARE: in the folder with the fields; prints the result
mount_share() {
	claim_failure=$(claim_points "$1" points)
	if [ -n "$claim_failure" ]; then
		echo "error mount $claim_failure"
		return
	fi
	# Whose order is not known is not mounted, or was not mounted by this agent.
	if [ -e "$SHARES/$1/order" ] && is_mounted points; then
		read -r known_order <"$SHARES/$1/order" || :
		if [ "$(order_fingerprint)" = "$known_order" ]; then
			share_failure=''
			! is_cut_off "$1" || share_failure=$(try_login "$1")
			if [ -n "$share_failure" ]; then
				# The kernel repeats the login about once a second for as long as the mount is in use: that locks the account. A
				# container that binds it keeps it in use; a forced unmount was measured not to end that.
				if is_refused "$share_failure"; then
					rm -f "$SHARES/$1/order"
					unmount_points points || :
					share_failed "$1" "$share_failure"
				fi
				echo "error $share_failure"
				return
			fi
			share_state "$1" mounted
			echo ok
			return
		fi
	fi
	[ ! -e "$SHARES/$1/order" ] || rm -f "$SHARES/$1/order"
	if ! unmount_points points; then
		echo 'error mount 16 what was mounted before could not be unmounted'
		return
	fi
	share_state "$1" mounting
	share_failure=$(mount_on_points "$1")
	if [ -n "$share_failure" ]; then
		share_failed "$1" "$share_failure"
		echo "error $share_failure"
		return
	fi
	order_fingerprint >"$SHARES/$1/order"
	share_state "$1" mounted
	stage shares "$1 is mounted on $(tr '\n' ' ' <points)"
	echo ok
}

# unmount_share SHARE: the points stay, empty and sealed; also for a share that was never mounted
unmount_share() {
	claim_failure=$(claim_points "$1" points)
	if [ -n "$claim_failure" ]; then
		echo "error mount $claim_failure"
		return
	fi
	rm -f "$SHARES/$1/order"
	if ! unmount_points points; then
		echo 'error mount 16 it could not be unmounted'
		return
	fi
	share_state "$1" unmounted
	echo ok
}
