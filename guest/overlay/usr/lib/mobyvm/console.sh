# shellcheck shell=sh
# Lines on the serial console that the host reads: "[mobyvm UPTIME] STAGE: TEXT", errors as "STAGE!:".
# Stages: initramfs root init drivers data network exchange config shares containerd dockerd engine clock shutdown.
# To be sourced.

MOBYVM_CONSOLE=${MOBYVM_CONSOLE:-/dev/console}

# stage STAGE TEXT
# One write per line, so that services that start side by side cannot cut into each other's lines.
stage() {
	read -r stage_uptime _ </proc/uptime
	printf '[mobyvm %s] %s: %s\n' "$stage_uptime" "$1" "$2" >>"$MOBYVM_CONSOLE"
}

# stage_error STAGE TEXT
stage_error() {
	stage "$1!" "$2"
}

# stage_error_file STAGE FILE LINES: the last lines of a log, each as an error line
stage_error_file() {
	[ -s "$2" ] || return 0
	tail -n "$3" "$2" | while IFS= read -r stage_line; do
		stage_error "$1" "| $stage_line"
	done
}
