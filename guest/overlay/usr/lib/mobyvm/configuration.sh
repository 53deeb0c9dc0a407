# shellcheck shell=sh
# Does the host configure this guest, and has it? To be sourced, after console.sh and pause.sh.

# Written by the agent when a configuration has been put in place.
CONFIGURED_MARK=${CONFIGURED_MARK:-/run/mobyvm/configured}
# How the engine can be reached, as run-engine decided when it started it.
ENGINE_REACH_FILE=${ENGINE_REACH_FILE:-/run/mobyvm/engine-reach}
CONFIGURATION_WAIT_SECONDS=${CONFIGURATION_WAIT_SECONDS:-60}
DMI_ENTRIES=${DMI_ENTRIES:-/sys/firmware/dmi/entries}
VMBUS=${VMBUS:-/sys/bus/vmbus}

# On QEMU the host says so in the machine's OEM strings (SMBIOS type 11: five bytes, then texts that end with NUL):
# -smbios type=11,value=mobyvm.config=kvp. On Hyper-V, which has no such strings, our host always does.
configuration_is_expected() {
	[ -d "$VMBUS" ] && return 0
	for dmi_entry in "$DMI_ENTRIES"/11-*/raw; do
		[ -r "$dmi_entry" ] || continue
		tail -c +6 "$dmi_entry" | tr '\000' '\n' | grep -qx 'mobyvm.config=kvp' && return 0
	done
	return 1
}

wait_for_configuration() {
	configuration_is_expected || return 0
	[ -e "$CONFIGURED_MARK" ] && return 0
	stage config 'waiting for the host'
	read -r wait_uptime _ </proc/uptime
	wait_until=$((${wait_uptime%.*} + CONFIGURATION_WAIT_SECONDS))
	while [ ! -e "$CONFIGURED_MARK" ]; do
		if [ "${wait_uptime%.*}" -ge "$wait_until" ]; then
			stage_error config "nothing came from the host within $CONFIGURATION_WAIT_SECONDS s; the engine is not reachable from outside"
			return 1
		fi
		pause 0.1
		read -r wait_uptime _ </proc/uptime
	done
}
