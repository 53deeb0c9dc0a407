# shellcheck shell=sh
# The request mobyvm.sync: what is in the memory goes to the disk. The host asks for it before it saves the VM, so that little is
# lost if the saved memory cannot be used later. To be sourced with kvp-transfer.sh and kvp-config.sh.

apply_sync_fields() {
	if sync 2>reason; then echo ok; else echo "error sync 0 $(head -n 1 reason)"; fi
}

# apply_sync_request BODY: prints the result
apply_sync_request() {
	with_fields "$1" 'mobyvm-sync 1' apply_sync_fields
}
