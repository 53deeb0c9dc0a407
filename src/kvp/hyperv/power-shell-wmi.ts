import { sleep } from '../../core/host/index.js';
import {
  cmdlet,
  hashtable,
  hresultIn,
  hidden,
  PowerShellError,
  type CmdletCall,
  type Fields,
  type Pipeline,
  type PowerShell,
  type Row,
} from '../../powershell/index.js';
import { JOB_COMPLETED, VIRTUALIZATION_NAMESPACE, WmiReturn } from '../../core/values/index.js';
import { failedError } from '../kvp-errors.js';
import type { WmiItems, WmiKvp, WmiResult } from './wmi-kvp.js';

export interface PowerShellWmiOptions {
  readonly powerShell: PowerShell;
  /** Hyper-V's GUID of the machine; undefined while there is none. */
  readonly machineGuid: (signal: AbortSignal) => Promise<string | undefined>;
}

/** A job waits for the guest, at most as long as the guest's kernel waits for its daemon. */
const JOB_SECONDS = 60;
const JOB_LOOK_MS = 100;
const GUID = /^[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}$/i;

/**
 * KVP through PowerShell's CIM cmdlets. Items may hold keys and passwords: they are hidden in every command,
 * and those of the host in every answer.
 * @see https://learn.microsoft.com/windows/win32/hyperv_v2/msvm-kvpexchangecomponent
 */
export class PowerShellWmi implements WmiKvp {
  readonly #options: PowerShellWmiOptions;

  constructor(options: PowerShellWmiOptions) {
    this.#options = options;
  }

  add(items: readonly string[], signal: AbortSignal): Promise<WmiResult> {
    return this.#change('AddKvpItems', items, signal);
  }

  modify(items: readonly string[], signal: AbortSignal): Promise<WmiResult> {
    return this.#change('ModifyKvpItems', items, signal);
  }

  remove(items: readonly string[], signal: AbortSignal): Promise<WmiResult> {
    return this.#change('RemoveKvpItems', items, signal);
  }

  async read(signal: AbortSignal): Promise<WmiItems | undefined> {
    try {
      return await this.#items(signal);
    } catch (error) {
      if (!(error instanceof PowerShellError)) throw error;
      throw failedError(`Reading items: ${error.message.replaceAll(/\s+/g, ' ').trim()}`, error);
    }
  }

  async #items(signal: AbortSignal): Promise<WmiItems | undefined> {
    const guid = await this.#guid(signal);
    if (guid === undefined) return undefined;
    const component = instancesOf('Msvm_KvpExchangeComponent', `SystemName = '${guid}'`);
    const fields = { GuestExchangeItems: 'texts', GuestIntrinsicExchangeItems: 'texts' } as const;
    const [guest] = await this.#read([component], fields, signal);
    if (guest === undefined) return undefined;
    const settings = cmdlet('Get-CimAssociatedInstance', {
      ResultClassName: 'Msvm_KvpExchangeComponentSettingData',
    });
    const [host] = await this.#read([component, settings], { HostExchangeItems: 'hidden texts' }, signal);
    return {
      host: host?.HostExchangeItems ?? [],
      guest: guest.GuestExchangeItems,
      intrinsic: guest.GuestIntrinsicExchangeItems,
    };
  }

  async #change(method: string, items: readonly string[], signal: AbortSignal): Promise<WmiResult> {
    const guid = await this.#guid(signal);
    if (guid === undefined) return { returnValue: WmiReturn.invalidState };
    const call = cmdlet('Invoke-CimMethod', {
      MethodName: method,
      Arguments: hashtable({
        TargetSystem: instancesOf('Msvm_ComputerSystem', `Name = '${guid}'`),
        DataItems: items.map(hidden),
      }),
    });
    const fields = { ReturnValue: 'number', 'Job.InstanceID': 'text' } as const;
    try {
      const service = cmdlet('Get-CimInstance', {
        Namespace: VIRTUALIZATION_NAMESPACE,
        ClassName: 'Msvm_VirtualSystemManagementService',
      });
      const [answer] = await this.#read([service, call], fields, signal);
      if (answer?.ReturnValue === undefined) return { returnValue: WmiReturn.failed };
      const { ReturnValue: returnValue, 'Job.InstanceID': job } = answer;
      return returnValue === WmiReturn.jobStarted ? await this.#outcomeOf(job, signal) : { returnValue };
    } catch (error) {
      if (!(error instanceof PowerShellError)) throw error;
      return { returnValue: WmiReturn.failed, jobHResult: error.hresult };
    }
  }

  /** Waits for a job to end; one that does not end in time is returned as it is. */
  async #outcomeOf(job: string | undefined, signal: AbortSignal): Promise<WmiResult> {
    if (job === undefined || !GUID.test(job)) return { returnValue: WmiReturn.jobStarted };
    const fields = { JobState: 'number', ErrorCode: 'number', ErrorDescription: 'text' } as const;
    const deadline = performance.now() + JOB_SECONDS * 1_000;
    for (;;) {
      const [row] = await this.#read(
        [instancesOf('Msvm_ConcreteJob', `InstanceID = '${job}'`)],
        fields,
        signal,
      );
      if (row?.JobState === undefined) return { returnValue: WmiReturn.jobStarted };
      const { JobState: jobState, ErrorCode: jobError, ErrorDescription: description } = row;
      if (jobState >= JOB_COMPLETED || performance.now() > deadline) {
        // Nothing else of a job has its HRESULT.
        const jobHResult = hresultIn(description);
        return {
          returnValue: WmiReturn.jobStarted,
          jobState,
          ...(jobError === undefined ? {} : { jobError }),
          ...(jobHResult === undefined ? {} : { jobHResult }),
        };
      }
      await sleep(JOB_LOOK_MS, signal);
    }
  }

  #read<F extends Fields>(pipeline: Pipeline, fields: F, signal: AbortSignal): Promise<readonly Row<F>[]> {
    return this.#options.powerShell.read({ pipeline, fields }, { signal });
  }

  async #guid(signal: AbortSignal): Promise<string | undefined> {
    const guid = await this.#options.machineGuid(signal);
    // WMI writes GUIDs in upper case.
    return guid !== undefined && GUID.test(guid) ? guid.toUpperCase() : undefined;
  }
}

function instancesOf(className: string, filter: string): CmdletCall {
  return cmdlet('Get-CimInstance', {
    Namespace: VIRTUALIZATION_NAMESPACE,
    ClassName: className,
    Filter: filter,
  });
}
