# shellcheck shell=sh
# Requests about shares run in the background, each beside the others: a dead server must not delay anything else. To be
# sourced, after kvp-pool.sh, kvp-transfer.sh, kvp-config.sh, network.sh and the share-*.sh files, by the agent.
#
# Of a job, in AGENT_STATE: NAME.running ("ID", while it runs), NAME.done ("ID RESULT", until the agent has answered).
# Pool 1 has one writer, the agent: a job only wakes it.

JOB_ENDED='a job has ended'

# share_job SHARE FOLDER: does what the files in the folder say, after an earlier job of the same share; prints the result
share_job() {
	[ -d "$SHARES/$1" ] || mkdir -p "$SHARES/$1"
	(
		flock 8
		cd "$2" || exit
		read -r job_op <op || :
		case $job_op in
		mount) mount_share "$1" ;;
		umount) unmount_share "$1" ;;
		esac
	) 8>"$SHARES/$1/lock"
}

# start_share_job NAME ID SHARE FOLDER: the folder is removed at the end
start_share_job() {
	echo "$2" >"$AGENT_STATE/$1.running"
	(
		job_result=$(share_job "$3" "$4")
		remove_job_folder "$4"
		echo "$2 ${job_result:-error apply 0 the agent gave no result}" >"$AGENT_STATE/$1.done.new"
		mv "$AGENT_STATE/$1.done.new" "$AGENT_STATE/$1.done"
		# For reading as well: opening it does not wait for an agent that is being restarted.
		echo "$JOB_ENDED" 1<>"$EVENTS"
	) >/dev/null 2>&1 3>&- 9>&- &
}

job_folder() {
	mktemp -d "$AGENT_STATE/job.XXXXXX"
}

# The password is overwritten, as by wipe, but without another process; read_share_request allows no longer one.
remove_job_folder() {
	[ ! -e "$1/password" ] || printf '%2048s' '' 1<>"$1/password"
	rm -rf "$1"
}

# begin_share_request NAME ID BODY: prints "later", or why not
begin_share_request() {
	request_folder=$(job_folder)
	request_problem=$(read_share_request "$3" "$request_folder")
	if [ -n "$request_problem" ]; then
		remove_job_folder "$request_folder"
		echo "error malformed 0 $request_problem"
		return
	fi
	start_share_job "$1" "$2" "${1#mobyvm.share.}" "$request_folder"
	echo later
}

# Answers what has finished; a request that the host gave up meanwhile gets no answer.
answer_finished_jobs() {
	for done_file in "$AGENT_STATE"/*.done; do
		[ -e "$done_file" ] || continue
		read -r done_id done_result <"$done_file"
		done_name=${done_file##*/}
		done_name=${done_name%.done}
		rm -f "$done_file"
		! job_is_running "$done_name" "$done_id" || rm -f "$AGENT_STATE/$done_name.running"
		case $done_name in
		mobyvm.*)
			read -r started_id _ <"$AGENT_STATE/$done_name.started" 2>/dev/null || started_id=''
			[ "$started_id" != "$done_id" ] || answer "$done_name" "$done_id" "$done_result"
			;;
		*) answer_item "$done_name" "$done_result" ;;
		esac
	done
}

# --- the items cifsmount and cifsumount -------------------------------------------------------------------------------

answer_item() {
	pool_put "$GUEST_POOL" "$1.result" "$(printf '%s' "$2" | LC_ALL=C tr -c '\040-\176' '?' | head -c 880)"
}

# look_at_cifs_items ITEMS: a value is acted on once. The answer goes when the item does.
look_at_cifs_items() {
	if [ ! -e "$AGENT_STATE/cifsmount.seen" ] && [ ! -e "$AGENT_STATE/cifsumount.seen" ]; then
		grep -q '	cifsu\{0,1\}mount	' "$1" || return 0
	fi
	for item_name in cifsmount cifsumount; do
		item_known=$AGENT_STATE/$item_name.seen
		item_sum=$(LC_ALL=C awk -F '\t' -v name="$item_name" '$2 == name { print; exit }' "$1" | sha256sum)
		if ! LC_ALL=C awk -F '\t' -v name="$item_name" '$2 == name { found = 1 } END { exit !found }' "$1"; then
			[ ! -e "$item_known" ] || pool_remove "$GUEST_POOL" "$item_name.result"
			rm -f "$item_known"
		elif [ "$item_sum" != "$(cat "$item_known" 2>/dev/null)" ] && read_lease; then
			echo "$item_sum" >"$item_known"
			begin_cifs_item "$1" "$item_name" "${item_sum%% *}"
		fi
	done
}

begin_cifs_item() {
	item_folder=$(job_folder)
	# shellcheck disable=SC2154 # read_lease has set it
	item_problem=$(read_cifs_item "$1" "$2" "$item_folder" "$lease_gateway")
	if [ -n "$item_problem" ]; then
		remove_job_folder "$item_folder"
		answer_item "$2" "error malformed 0 $item_problem"
		return
	fi
	item_share=$(head -n 1 "$item_folder/points" | LC_ALL=C tr -c 'A-Za-z0-9_\n-' _ | head -c 50)
	start_share_job "$2" "$3" "item$item_share" "$item_folder"
}

# share-link runs once there is a share.
keep_share_link() {
	[ -d "$SHARES" ] || return 0
	if [ -s "$SHARES/link.pid" ]; then
		read -r link_pid <"$SHARES/link.pid"
		! kill -0 "$link_pid" 2>/dev/null || return 0
	fi
	/usr/lib/mobyvm/share-link </dev/null >/dev/null 2>&1 3>&- 9>&- &
}
