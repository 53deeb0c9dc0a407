# shellcheck shell=bash
# Sourced. Debian package names, the same on Debian 12 and 13; docs/dependencies.md lists what each is for.

# To run the VM and its network.
RUN_PACKAGES=(qemu-system-x86 qemu-utils seabios ovmf iproute2 nftables procps busybox-static ca-certificates
	samba samba-vfs-modules)

# To build the boot image (scripts/build-guest).
BUILD_PACKAGES=(mmdebstrap debian-archive-keyring squashfs-tools xorriso isolinux syslinux-common grub-common
	grub-efi-amd64-bin mtools dosfstools cpio kmod xz-utils zstd util-linux musl-tools gcc linux-libc-dev)

# The real programs that the tests run against.
TEST_PACKAGES=(shellcheck dnsmasq-base bind9-dnsutils dnsperf kea-admin e2fsprogs socat docker-compose openssl tmux zsh fish git
	chromium libdevmapper1.02.1 make python3 python3-samba smbclient wixl msitools osslsigncode)
export RUN_PACKAGES BUILD_PACKAGES TEST_PACKAGES
