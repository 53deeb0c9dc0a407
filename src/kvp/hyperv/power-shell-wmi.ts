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
import { failedError } from '../kvp-errors.js';
import type { WmiItems, WmiKvp, WmiResult } from './wmi-kvp.js';

export interface PowerShellWmiOptions {
  readonly powerShell: PowerShell;
  /** Hyper-V's GUID of the machine; undefined while there is none. */
  readonly machineGuid: (signal: AbortSignal) => Promise<string | undefined>;
}

const NAMESPACE = 'root/virtualization/v2';
const JOB_STARTED = 4_096;
const JOB_COMPLETED = 7;
/** "Invalid state for this operation", as the service says it. */
const INVALID_STATE = 32_775;
const FAILED = 32_768;
/** A job waits for the guest, at most for as long as the guest's kernel waits for its daemon. */
const JOB_SECONDS = 60;
const JOB_LOOK_MS = 100;
const GUID = /^[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}$/i;

/** KVP through WMI's cmdlets. Items may hold keys and passwords: they are hidden in every command, and those of the host in every answer. */
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
    if (guid === undefined) return { returnValue: INVALID_STATE };
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
        ...{ Namespace: NAMESPACE, ClassName: 'Msvm_VirtualSystemManagementService' },
      });
      const [answer] = await this.#read([service, call], fields, signal);
      if (answer?.ReturnValue === undefined) return { returnValue: FAILED };
      const { ReturnValue: returnValue, 'Job.InstanceID': job } = answer;
      return returnValue === JOB_STARTED ? await this.#outcomeOf(job, signal) : { returnValue };
    } catch (error) {
      if (!(error instanceof PowerShellError)) throw error;
      return { returnValue: FAILED, jobHResult: error.hresult };
    }
  }

  /** Waits for the end of a job; what does not end in time is told as it is. */
  async #outcomeOf(job: string | undefined, signal: AbortSignal): Promise<WmiResult> {
    if (job === undefined || !GUID.test(job)) return { returnValue: JOB_STARTED };
    const fields = { JobState: 'number', ErrorCode: 'number', ErrorDescription: 'text' } as const;
    const deadline = performance.now() + JOB_SECONDS * 1_000;
    for (;;) {
      const [row] = await this.#read(
        [instancesOf('Msvm_ConcreteJob', `InstanceID = '${job}'`)],
        fields,
        signal,
      );
      if (row?.JobState === undefined) return { returnValue: JOB_STARTED };
      const { JobState: jobState, ErrorCode: jobError, ErrorDescription: description } = row;
      if (jobState >= JOB_COMPLETED || performance.now() > deadline) {
        // It has it nowhere else.
        const jobHResult = hresultIn(description);
        return {
          ...{ returnValue: JOB_STARTED, jobState },
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
    // WMI writes it in capitals.
    return guid !== undefined && GUID.test(guid) ? guid.toUpperCase() : undefined;
  }
}

function instancesOf(className: string, filter: string): CmdletCall {
  return cmdlet('Get-CimInstance', { Namespace: NAMESPACE, ClassName: className, Filter: filter });
}
