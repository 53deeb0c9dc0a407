# Shares: what is asked for, at which step it failed, and who may have which point. Run by check.sh: SCRIPTS WORK.
# shellcheck disable=SC2016,SC1003 # passwords look like this

scripts=$1 work=$2
umask 077
MOBYVM_CONSOLE=$work/console
POOLS=$work/pools AGENT_STATE=$work/agent RUN=$work/run ETC=$work/etc
SHARES=$work/shares MOUNTS=$work/mounts KERNEL_LOG=$work/dmesg LEASE_FILE=$work/lease
EVENTS=$work/events ANNOUNCED_SHARES=$work/announced
CONFIGURED_MARK=$work/run/configured
for script in console network configuration kvp-pool kvp-transfer json-settings kvp-config share-points share-steps \
	share-mount share-request share-jobs share-gate; do
	. "$scripts/$script.sh"
done
wipe() { rm -f "$@"; }
usleep() { :; }
type_at() { [ ! -e "$work/types$1" ] || cat "$work/types$1"; }
umount() { echo tmpfs >"$work/types$2"; }
mount() {
	for mount_target; do :; done
	mkdir -p "$work/types${mount_target%/*}"
	case $1 in
	--bind) cat "$work/types$2" ;;
	*)
		echo tmpfs
		echo "mobyvm-share $mount_target tmpfs ro 0 0" >>"$MOUNTS"
		;;
	esac >"$work/types$mount_target"
}
# Instead of timeout -s KILL SECONDS mount.cifs UNC POINT -o OPTIONS.
timeout() {
	shift 4
	printf '%s\n' "$@" >"$work/arguments"
	cat <&6 >"$work/password-read"
	cat "$work/dmesg-after" >>"$work/dmesg"
	if [ -e "$work/mount-error" ]; then
		cat "$work/mount-error"
		return 32
	fi
	mkdir -p "$work/types${2%/*}"
	echo cifs >"$work/types$2"
}
load_cifs() { :; }
kernel_messages() { cat "$work/dmesg"; }
reach_server() { cat "$work/reach"; }

fresh() {
	rm -rf "$SHARES" "$AGENT_STATE" "$POOLS" "$work/types" "$work/mount-error" "$work/fields" "$work/points" "$work/agent"
	mkdir -p "$SHARES" "$AGENT_STATE" "$POOLS" "$work/types" "$work/fields" "$work/points" "$RUN"
	: >"$work/console"
	: >"$work/dmesg"
	: >"$work/dmesg-after"
	: >"$GUEST_POOL"
	: >"$MOUNTS"
	: >"$ANNOUNCED_SHARES"
	echo ok >"$work/reach"
	echo '10.0.75.2 24 10.0.75.1' >"$LEASE_FILE"
}

expect() {
	case_name=$1
	shift
	if "$@" >"$work/output" 2>&1; then
		echo "ok shares: $case_name"
	else
		echo "FAIL shares: $case_name: $* => $(tr '\n\000' ';.' <"$work/output" | head -c 300)"
	fi
}
is() {
	is_wanted=$1
	shift
	is_got=$("$@")
	[ "$is_got" = "$is_wanted" ] || {
		echo "wanted \"$is_wanted\", got \"$is_got\""
		return 1
	}
}
not() { ! "$@"; }

field() { printf '%s %s\n' "$1" "$(printf '%s' "$2" | base64 | tr -d '\n')"; }
# body LINES: of a request
body() {
	printf 'mobyvm-share 1\n%s\nend\n' "$1" >"$work/body"
}
# order [PASSWORD [OPTION [POINT [UNC]]]]
order() {
	body "$(
		field op mount
		field unc "${4:-//10.0.75.1/C}"
		field point "${3:-$work/points/C}"
		field point "$work/points/c"
		field user 'mobyuser'
		field domain ''
		field option "${2:-noperm}"
		field password "${1-pw1}"
	)"
}
request() {
	rm -rf "$work/fields"
	mkdir "$work/fields"
	read_share_request "$work/body" "$work/fields"
}
content() { cat "$work/fields/$1"; }
share() {
	request >"$work/request-problem"
	[ ! -s "$work/request-problem" ] || cat "$work/request-problem"
	share_job C "$work/fields"
}

# --- requests ---
fresh
order
expect 'a request is read' is '' request
expect 'every point is on a line' is "$work/points/C;$work/points/c;" eval 'content points | tr "\n" ";"'
for password in 'a,b,,' '"x'"'"'' 'back\' '$HOME`id`$(id)' '#;%=' ' both ' 'tab	in' 'üml€' '😀' "$(printf 'x%.0s' $(seq 127))"; do
	order "$password"
	request >/dev/null
	expect "the password $(printf '%s' "$password" | head -c 12) is read as it is" is "$password." eval 'content password; echo .'
done
order ''
request >/dev/null
expect 'an empty password is read' is '.' eval 'content password; echo .'
order "$(printf 'two\nlines')"
expect 'a password of two lines is refused' is 'password is malformed' request
order pw 'noperm,password=x'
expect 'an option with a comma is refused' is 'an option is malformed or not allowed' request
for option in password=x credentials=/etc/passwd username=root ip=1.2.3.4 unc=//x/y 'a b;c' "$(printf 'a=1\nb')"; do
	order pw "$option"
	expect "the option $(printf '%s' "$option" | head -n 1) is refused" is 'an option is malformed or not allowed' request
done
for point in relative / /a/../b /a//b /a/ /a/. "$(printf '/a\n/b')"; do
	order pw noperm "$point"
	expect "the point $(printf '%s' "$point" | head -n 1) is refused" is 'a point is malformed' request
done
for unc in //host/C //10.0.75.1 '//10.0.75.1/C,ip=1.2.3.4' '\\10.0.75.1\C' //10.0.75.1/C/../D; do
	order pw noperm "" "$unc"
	expect "the server $unc is refused" is 'unc is malformed' request
done
printf 'mobyvm-share 1\n%s\n' "$(field op mount)" >"$work/body"
expect 'a request that was cut off is refused' is 'the body does not begin with "mobyvm-share 1" and end with "end"' request
body "$(field op format)"
expect 'an unknown operation is refused' is 'op is neither mount nor umount' request
body "op %%%%"
expect 'what is not base64 is refused' is 'a field is not base64' request

# --- mounting ---
fresh
order 'p,w $x'
expect 'a share is mounted' is ok share
expect 'mount.cifs gets the password by a descriptor' is 'p,w $x' cat "$work/password-read"
expect 'the password is in no argument' not grep -F 'p,w' "$work/arguments"
expect 'mount.cifs gets the options in one argument' is 'ip=10.0.75.1,port=445,username=mobyuser,noperm' tail -n 1 "$work/arguments"
expect 'the second point is bound' is cifs type_at "$work/points/c"
expect 'its state is known' is mounted cat "$SHARES/C/state"
expect 'nothing that is kept holds the password' not grep -rF 'p,w $x' "$SHARES"
: >"$work/arguments"
expect 'the same order succeeds again' is ok share
expect 'and mounts nothing' not grep -q . "$work/arguments"
echo 'broken 110' >"$SHARES/C/health"
expect 'nor if its server is silent' is ok share
expect 'and mounts nothing then' not grep -q . "$work/arguments"
echo 'broken 112' >"$SHARES/C/health"
expect 'one that cannot connect again succeeds if its login does' is ok share
expect 'which is tried elsewhere' grep -qxF "$SHARES/C/try" "$work/arguments"
expect 'and unmounted there' is tmpfs type_at "$SHARES/C/try"
echo 'mount error(110): Connection timed out' >"$work/mount-error"
expect 'one whose server cannot be reached says so' eval 'share | grep -q "^error tcp 110 "'
expect 'and stays mounted for containers' is cifs type_at "$work/points/C"
echo 'mount error(13): Permission denied' >"$work/mount-error"
echo 'CIFS: Status code returned 0xc000006d STATUS_LOGON_FAILURE' >"$work/dmesg-after"
expect 'one whose login is refused now says so' is 'error login 13 Permission denied (STATUS_LOGON_FAILURE)' share
expect 'and is unmounted at every point, for the kernel would repeat the login' is 'tmpfs tmpfs' eval 'echo "$(type_at "$work/points/C") $(type_at "$work/points/c")"'
expect 'which is remembered' is 'failed login 13 Permission denied (STATUS_LOGON_FAILURE)' cat "$SHARES/C/state"
rm "$work/mount-error" "$SHARES/C/health"
: >"$work/dmesg-after"
order other
expect 'another password succeeds' is ok share
expect 'and mounts again' grep -q 10.0.75.1 "$work/arguments"
echo 'mount error(13): Permission denied' >"$work/mount-error"
echo 'CIFS: Status code returned 0xc000006d STATUS_LOGON_FAILURE' >"$work/dmesg-after"
order wrong
expect 'a wrong password is reported' is 'error login 13 Permission denied (STATUS_LOGON_FAILURE)' share
expect 'and what was mounted is gone' is tmpfs type_at "$work/points/C"
expect 'the failure is remembered' is 'failed login 13 Permission denied (STATUS_LOGON_FAILURE)' cat "$SHARES/C/state"
: >"$work/dmesg-after"
expect 'kernel messages of an earlier mount do not count' is 'error tree 13 Permission denied' share
rm "$work/mount-error"
echo 'negotiate 0 the server accepts connections but does not answer' >"$work/reach"
expect 'a frozen server is reported' is 'error negotiate 0 the server accepts connections but does not answer' share
body "$(
	field op umount
	field point "$work/points/C"
)"
expect 'unmounting what is not mounted succeeds' is ok share
expect 'its state is unmounted' is unmounted cat "$SHARES/C/state"

echo ok >"$work/reach"
order "$(printf 'x%.0s' $(seq 129))"
expect 'a password that the kernel would cut is refused' is "error login 0 the password has 129 bytes in UTF-8, but the VM's kernel takes at most 128" share

# --- points ---
fresh
expect 'a system folder is no point' is '16 /proc/x belongs to the VM itself' point_problem C /proc/x
mkdir -p "$work/points/full/below"
: >"$work/points/full/below/file"
expect 'a folder with files is no point' is "39 $work/points/full has files in the VM" point_problem C "$work/points/full"
mkdir -p "$work/points/folders/below"
expect 'empty folders do not matter' is '' point_problem C "$work/points/folders"
ln -s folders "$work/points/link"
expect 'a point behind a link is none' is "40 $work/points/link/x leads through a symbolic link of the VM" point_problem C "$work/points/link/x"
expect 'a folder of the root that does not exist yet may be a point' is '' point_problem C /no-such-drive
echo "x $work/points/outer/inner ext4 rw 0 0" >"$MOUNTS"
expect 'a folder with mounts in it is no point' is "16 $work/points/outer is used by the VM itself" point_problem C "$work/points/outer"
mkdir -p "$SHARES/D"
echo "$work/points/D" >"$SHARES/D/points"
expect 'a point belongs to one share' is "16 $work/points/D belongs to the share D" point_problem C "$work/points/D"
expect 'and may be claimed again' is '' point_problem D "$work/points/D"

# --- steps ---
for row in '111 tcp' '113 tcp' '115 tcp' '112 negotiate' '127 login' '13 tree' '2 tree' '22 mount' '79 mount'; do
	expect "error ${row% *} is of the step ${row#* }" is "${row#* }" mount_step "${row% *}" 'CIFS: VFS: cifs_mount failed'
done
expect 'an unknown dialect is of the step negotiate' is negotiate mount_step 95 'CIFS: VFS: Dialect not supported by server.'
expect 'a missing share is of the step tree' is tree mount_step 2 ''
expect 'the number alone names a share that is missing' not needs_kernel_lines 2
expect 'a refused login is told from a refused share by the kernel' needs_kernel_lines 13
expect 'the status of the server is in the text' is 'Permission denied (STATUS_LOGON_FAILURE)' mount_text 'mount error(13): Permission denied
Refer to the mount.cifs(8) manual page' 'CIFS: Status code returned 0xc000006d STATUS_LOGON_FAILURE
CIFS: VFS: cifs_mount failed w/return code = -13'
expect 'so is a character set that is missing' is 'Invalid argument (iocharset utf8 not found)' mount_text 'mount error(79): Invalid argument' \
	'CIFS: VFS: CIFS mount error: iocharset utf8 not found'
expect 'output without a number is the text' is "Couldn't chdir to /C" mount_text "Couldn't chdir to /C" ''
expect 'output without a number is EIO' is 5 mount_errno "Couldn't chdir to /C: No such file or directory"

# --- the items of an administrator ---
item() {
	printf '0\t%s\t%s\n' "$1" "$2" >"$work/items"
	rm -rf "$work/fields"
	mkdir "$work/fields"
	read_cifs_item "$work/items" "$1" "$work/fields" 10.0.75.1
}
expect 'cifsmount is understood' is '' item cifsmount '/c;/C;username=u,password=p$;x,noperm,domain=d'
expect 'its server is the gateway' is //10.0.75.1/c content unc
expect 'its password may hold semicolons' is 'p$;x' content password
expect 'its other options are kept' is noperm content options
expect 'its domain is found' is d content domain
expect 'cifsmount of lines is understood' is '' item cifsmount "$(printf '/c\376/C\376u\376p,w;"\376domain=d,noperm')"
expect 'its password may hold anything' is 'p,w;"' content password
expect 'cifsumount is understood' is '' item cifsumount '/c;/C'
expect 'and asks for that' is umount content op
expect 'a cifsmount of one part is refused' is 'the form is POINT;ALIAS;OPTIONS' item cifsmount /c
expect 'a shell in a mount point is refused' is 'a point is malformed' item cifsmount '/c/../$(reboot);/C;x'

# --- the gate ---
fresh
expect 'without shares the engine does not wait' wait_for_shares
echo 'C D' >"$ANNOUNCED_SHARES"
SHARE_WAIT_SECONDS=0
wait_for_shares
expect 'it gives up after a while' grep -q 'shares!: C was not mounted within 0 s' "$work/console"
mkdir -p "$SHARES/C" "$SHARES/D"
echo mounted >"$SHARES/C/state"
echo mounting >"$SHARES/D/state"
expect 'a share that is being mounted is not settled' not share_is_settled D
echo 'failed tcp 111 Connection refused' >"$SHARES/D/state"
: >"$work/console"
wait_for_shares
expect 'shares that are mounted or failed are settled' not grep -q 'shares!' "$work/console"
