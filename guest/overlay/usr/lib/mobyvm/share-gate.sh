# shellcheck shell=sh
# The engine starts containers that bind shares: it waits until the shares are mounted. To be sourced, after console.sh.

SHARES=${SHARES:-/run/mobyvm/shares}
# From the host's configuration: the ids of its shares, on one line.
ANNOUNCED_SHARES=${ANNOUNCED_SHARES:-/run/mobyvm/announced-shares}
SHARE_WAIT_SECONDS=${SHARE_WAIT_SECONDS:-20}

# One attempt is enough: containers whose share is not mounted are held, and started when it is.
share_is_settled() {
	share_gate_state=''
	[ ! -e "$SHARES/$1/state" ] || read -r share_gate_state _ <"$SHARES/$1/state"
	case $share_gate_state in mounted | failed | unmounted) ;; *) return 1 ;; esac
}

# wait_for_shares: until each announced share is mounted or has failed, within a limit
wait_for_shares() {
	[ -s "$ANNOUNCED_SHARES" ] || return 0
	read -r gate_uptime _ </proc/uptime
	gate_until=$((${gate_uptime%.*} + SHARE_WAIT_SECONDS))
	read -r gate_shares <"$ANNOUNCED_SHARES" || :
	for gate_share in $gate_shares; do
		until share_is_settled "$gate_share"; do
			if [ "${gate_uptime%.*}" -ge "$gate_until" ]; then
				stage_error shares "$gate_share was not mounted within $SHARE_WAIT_SECONDS s; the engine starts without it"
				return
			fi
			usleep 100000
			read -r gate_uptime _ </proc/uptime
		done
	done
}
