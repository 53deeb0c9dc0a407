#!/bin/sh
# openrc-run.sh SERVICE COMMAND...: takes the place of OpenRC's own script, by which openrc-run carries out a command of a
# service. OpenRC's starts five programs per service that find nothing to do here (colours, LSB headers, a look for the
# cgroup mount) and reads ten files; this one has what the guest's services use. "depend" is never asked: gendepends.sh
# answers for all.
# The variables are a service's; the functions are called by their names.
# shellcheck disable=SC2154,SC2086,SC2317

PATH=$RC_LIBEXECDIR/bin:$RC_LIBEXECDIR/sbin:/bin:/sbin:/usr/bin:/usr/sbin
RC_SERVICE=$1
SVCNAME=$RC_SVCNAME
export PATH RC_SERVICE SVCNAME
shift

CGROUP=/sys/fs/cgroup/openrc.$RC_SVCNAME

supervise_start() {
	eval supervise-daemon "$RC_SVCNAME" --start \
		${retry:+--retry} $retry \
		${error_log+--stderr} $error_log \
		${respawn_delay:+--respawn-delay} $respawn_delay \
		${respawn_max:+--respawn-max} $respawn_max \
		$command -- $command_args
}

supervise_status() {
	if service_started && service_crashed; then
		eerror 'status: crashed'
		return 32
	elif service_started; then
		einfo 'status: started'
	else
		einfo 'status: stopped'
		return 3
	fi
}

default_start() {
	supervise_start && return
	eerror "failed to start $RC_SVCNAME"
	return 1
}

default_stop() {
	supervise-daemon "$RC_SVCNAME" --stop && return
	eerror "Failed to stop $RC_SVCNAME"
	return 1
}

default_status() {
	if [ "$supervisor" = supervise-daemon ]; then
		supervise_status
	else
		service_started && einfo 'status: started' && return
		einfo 'status: stopped'
		return 3
	fi
}

start() { default_start; }
stop() { default_stop; }
status() { default_status; }
describe() { einfo "$description"; }
# supervise-daemon asks for these two.
healthcheck() { return 0; }
unhealthy() { return 0; }

join_cgroup() {
	[ -e /sys/fs/cgroup/cgroup.procs ] || return 0
	[ -d "$CGROUP" ] || mkdir "$CGROUP"
	printf 0 >"$CGROUP/cgroup.procs"
}

# Only an empty one can be removed; it is not while a process of the service remains.
leave_cgroup() {
	[ -d "$CGROUP" ] || return 0
	printf 0 >/sys/fs/cgroup/cgroup.procs
	rmdir "$CGROUP" 2>/dev/null
	return 0
}

# apply_limits [OPTIONS VALUE]...: as many ulimit calls; busybox takes -H and -S for all options of one call.
apply_limits() {
	while [ $# -ge 2 ]; do
		ulimit "$1" "$2" || eerror "$RC_SVCNAME: the limit $1 $2 could not be set"
		shift 2
	done
}

# shellcheck disable=SC1090
. "$RC_SERVICE"

for requested; do
	case $requested in
	start)
		apply_limits $rc_ulimit
		join_cgroup
		start || exit
		[ -n "$command" ] || leave_cgroup
		;;
	stop)
		stop || exit
		leave_cgroup
		;;
	status | describe | healthcheck | unhealthy) "$requested" || exit ;;
	*)
		eerror "$RC_SVCNAME: unknown function \`$requested'"
		exit 1
		;;
	esac
done
exit 0
