/**
 * Every stable error code, by the part of mobyvm that meets it first. A test holds this list, docs/errors.md and
 * the codes used in src together.
 */
export const ERROR_CODES = [
  // our own
  'MOBYVM_BUG',
  'MOBYVM_ABORTED',
  'MOBYVM_CODEC',
  'MOBYVM_USAGE',
  'MOBYVM_UNKNOWN_CODE',
  // settings and daemon
  'MOBYVM_SETTINGS',
  'MOBYVM_NOT_ROOT',
  'MOBYVM_PLATFORM',
  'MOBYVM_DAEMON_NOT_RUNNING',
  'MOBYVM_DAEMON_START',
  'MOBYVM_DAEMON_RUNNING',
  'MOBYVM_CONTROL_API',
  'MOBYVM_BUSY',
  'MOBYVM_STATE_FILE',
  'MOBYVM_DISK_FULL',
  // programs
  'MOBYVM_PROGRAM_MISSING',
  'MOBYVM_PROGRAM_FAILED',
  'MOBYVM_PROGRAM_TIMEOUT',
  // waiting
  'MOBYVM_TIMEOUT',
  // image
  'MOBYVM_IMAGE_MISSING',
  'MOBYVM_IMAGE_CORRUPT',
  'MOBYVM_IMAGE_BUILD',
  // network
  'MOBYVM_TUN_MISSING',
  'MOBYVM_SUBNET_IN_USE',
  'MOBYVM_NO_FREE_SUBNET',
  'MOBYVM_NAMESPACE',
  'MOBYVM_FOREIGN_OBJECT',
  'MOBYVM_PORT_IN_USE',
  'MOBYVM_DHCP_SERVER',
  'MOBYVM_DNS_SERVER',
  'MOBYVM_NO_LEASE',
  // virtual machine
  'MOBYVM_VM_STATE',
  'MOBYVM_VM_START',
  'MOBYVM_VM_DIED',
  'MOBYVM_VM_STOP',
  'MOBYVM_VM_SAVE',
  'MOBYVM_VM_RESTORE',
  'MOBYVM_QMP',
  'MOBYVM_DATA_DISK',
  'MOBYVM_GUEST_BOOT',
  // engine
  'MOBYVM_ENGINE_UNREACHABLE',
  'MOBYVM_ENDPOINT_IN_USE',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];
