# shellcheck shell=sh
# At which step did a mount fail? The error number alone does not tell: a wrong password and a share that the user may not
# use are both EACCES. The kernel's messages do. To be sourced.

# mount_errno: from what mount.cifs printed; 5 (EIO) if it named none
mount_errno() {
	mount_number=$(printf '%s\n' "$1" | sed -n 's/^mount error(\([0-9]*\)).*/\1/p' | head -n 1)
	echo "${mount_number:-5}"
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
	2 | 6) case $2 in *BAD_NETWORK_NAME*) echo tree ;; *) echo mount ;; esac ;;
	*) echo mount ;;
	esac
}

# mount_text OUTPUT KERNEL_LINES: one line for people
mount_text() {
	mount_reason=$(printf '%s\n' "$1" | sed -n 's/^mount error([0-9]*): //p' | head -n 1)
	[ -n "$mount_reason" ] || mount_reason=$(printf '%s\n' "$1" | grep -v '^Refer to' | head -n 1)
	mount_status=$(printf '%s\n' "$2" | grep -o 'STATUS_[A-Z_]*\|BAD_NETWORK_NAME\|iocharset [^ ]* not found' | head -n 1)
	echo "${mount_reason:-mount.cifs failed}${mount_status:+ ($mount_status)}"
}
