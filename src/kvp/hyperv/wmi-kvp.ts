/**
 * What the exchange needs of WMI (`root\virtualization\v2`) for one virtual machine. Items are CIM-XML texts,
 * see cim-xml.codec.ts; at most 128 per call.
 * @see https://learn.microsoft.com/windows/win32/hyperv_v2/addkvpitems-msvm-virtualsystemmanagementservice
 */
export interface WmiKvp {
  /** `AddKvpItems` of Msvm_VirtualSystemManagementService. Fails if any of the names exists. */
  add(items: readonly string[], signal: AbortSignal): Promise<WmiResult>;
  /** `ModifyKvpItems`. Fails if any of the names is missing. */
  modify(items: readonly string[], signal: AbortSignal): Promise<WmiResult>;
  /** `RemoveKvpItems`: only the names matter. Fails if any of them is missing. */
  remove(items: readonly string[], signal: AbortSignal): Promise<WmiResult>;
  /**
   * Msvm_KvpExchangeComponent and its setting data. Undefined when the machine has no such component: it
   * exists only while the machine runs.
   */
  read(signal: AbortSignal): Promise<WmiItems | undefined>;
}

/** What a method returned, and its job if it started one. */
export interface WmiResult {
  /** 0 done, 4096 a job was started, others failed. */
  readonly returnValue: number;
  /**
   * Msvm_ConcreteJob.JobState: 7 completed, 8 terminated, 9 killed, 10 exception, 11 service; below 7 it
   * still runs.
   */
  readonly jobState?: number;
  /** The job's ErrorCode. */
  readonly jobError?: number;
  /** The HRESULT of the failure, signed or unsigned, where there is one. */
  readonly jobHResult?: number;
}

/** CIM-XML, one text for each item. */
export interface WmiItems {
  readonly host: readonly string[];
  readonly guest: readonly string[];
  readonly intrinsic: readonly string[];
}
