# shellcheck shell=sh
# At which step did a mount fail? The error number alone does not tell: a wrong password and a share that the user may not
# use are both EACCES. The kernel's messages do. To be sourced.

LINE_FEED='
'

# needs_kernel_lines ERRNO: the number alone does not name the step
needs_kernel_lines() {
	case $1 in 2 | 6 | 101 | 104 | 11[0-5]) return 1 ;; esac
}

# mount_errno OUTPUT: from what mount.cifs printed; 5 (EIO) if it named none
mount_errno() {
	case $1 in *'mount error('*) mount_number=${1#*mount error(} mount_number=${mount_number%%)*} ;; *) mount_number='' ;; esac
	case $mount_number in '' | *[!0-9]*) mount_number=5 ;; esac
	echo "$mount_number"
}

# mount_step ERRNO KERNEL_LINES: tcp | negotiate | login | tree | mount
mount_step() {
	case $1 in
	101 | 110 | 111 | 113 | 115) echo tcp ;;
	104 | 112) echo negotiate ;;
	95) case $2 in *[Dd]ialect*) echo negotiate ;; *) echo mount ;; esac ;;
	126 | 127 | 128 | 129) echo login ;;
	1 | 13)
		case $2 in
		*STATUS_BAD_NETWORK_NAME*) echo tree ;;
		*SessSetup* | *STATUS_LOGON* | *STATUS_ACCOUNT* | *STATUS_PASSWORD* | *STATUS_WRONG_PASSWORD*) echo login ;;
		*) echo tree ;;
		esac
		;;
	# No share of that name, or its folder is gone: of BAD_NETWORK_NAME, the kernel says only the first.
	2 | 6) echo tree ;;
	*) echo mount ;;
	esac
}

# mount_text OUTPUT KERNEL_LINES: one line for people
mount_text() {
	case $1 in
	*'mount error('*'): '*) mount_reason=${1#*mount error(*): } mount_reason=${mount_reason%%"$LINE_FEED"*} ;;
	*) mount_reason=$(printf '%s\n' "$1" | grep -v '^Refer to' | head -n 1) ;;
	esac
	case $2 in
	*STATUS_*) mount_status=${2#*STATUS_} mount_status=STATUS_${mount_status%%[!A-Z_]*} ;;
	*BAD_NETWORK_NAME*) mount_status=BAD_NETWORK_NAME ;;
	*iocharset*'not found'*) mount_status="iocharset${2#*iocharset}" mount_status="${mount_status%%not found*}not found" ;;
	*) mount_status='' ;;
	esac
	echo "${mount_reason:-mount.cifs failed}${mount_status:+ ($mount_status)}"
}
