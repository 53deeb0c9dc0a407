/**
 * HRESULTs that we decide on; names as in winerror.h and the Hyper-V headers.
 * @see https://learn.microsoft.com/windows/win32/seccrypto/common-hresult-values
 */
export const HResult = {
  accessDenied: 0x8007_0005,
  outOfMemory: 0x8007_000e,
  sharingViolation: 0x8007_0020,
  diskFullError: 0x8007_0070,
  elevationRequired: 0x8007_02e4,
  noSystemResources: 0x8007_05aa,
  successRebootRequired: 0x8007_0bc2,
  /** ERROR_NOT_READY of a Hyper-V guest service: nothing in the guest serves it yet. */
  deviceNotReady: 0x8007_10df,
  hypervisorNotPresent: 0xc035_1000,
  virtualDiskLimitation: 0xc03a_001a,
} as const;

/** The WMI namespace of Hyper-V. */
export const VIRTUALIZATION_NAMESPACE = 'root/virtualization/v2';

/**
 * What the methods of Hyper-V's WMI provider return.
 * @see https://learn.microsoft.com/windows/win32/hyperv_v2/addkvpitems-msvm-virtualsystemmanagementservice
 */
export const WmiReturn = {
  completed: 0,
  jobStarted: 4_096,
  failed: 32_768,
  accessDenied: 32_769,
  notSupported: 32_770,
  statusUnknown: 32_771,
  timeout: 32_772,
  invalidParameter: 32_773,
  systemInUse: 32_774,
  invalidState: 32_775,
  incorrectDataType: 32_776,
  outOfMemory: 32_778,
  /** Not in Microsoft's table; newer builds return it for a KVP item that does not exist. */
  notAvailable: 32_779,
} as const;

/**
 * `JobState` of Msvm_ConcreteJob from which on a job has ended: 7 completed, 8 terminated, 9 killed, 10
 * exception.
 * @see https://learn.microsoft.com/windows/win32/hyperv_v2/msvm-concretejob
 */
export const JOB_COMPLETED = 7;
