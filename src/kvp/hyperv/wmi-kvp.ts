/**
 * What this folder needs of WMI (`root\virtualization\v2`) for one virtual machine; the daemon passes something that calls
 * PowerShell. Items are CIM-XML texts, see cim-xml.codec.ts; at most 128 in a call.
 */
export interface WmiKvp {
  /** `AddKvpItems` of Msvm_VirtualSystemManagementService. Fails when any of the names exists. */
  add(items: readonly string[], signal: AbortSignal): Promise<WmiResult>;
  /** `ModifyKvpItems`. Fails when any of the names is missing. */
  modify(items: readonly string[], signal: AbortSignal): Promise<WmiResult>;
  /** `RemoveKvpItems`: only the names matter. Fails when any of them is missing. */
  remove(items: readonly string[], signal: AbortSignal): Promise<WmiResult>;
  /**
   * Msvm_KvpExchangeComponent and its setting data. Undefined when the machine has no such component, which is so
   * while it does not run.
   */
  read(signal: AbortSignal): Promise<WmiItems | undefined>;
}

/** A method's answer, and its job's when it started one and that has ended. */
export interface WmiResult {
  /** 0 done, 4096 a job was started, others failed. */
  readonly returnValue: number;
  /** Msvm_ConcreteJob.JobState: 7 completed, 8 terminated, 9 killed, 10 exception, 11 service; below 7 it still runs. */
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
