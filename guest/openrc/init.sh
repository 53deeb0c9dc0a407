#!/bin/sh
# Takes the place of OpenRC's own init.sh, which runs before the first service. OpenRC's mounts /proc and /run after
# testing for all kinds of systems; here the initramfs has mounted both, and every program less is time saved.

mkdir -p "$RC_SVCDIR" /run/lock
echo sysinit >"$RC_SVCDIR/softlevel"
