import { randomUUID } from 'node:crypto';
import type { WmiResult } from '../../../src/kvp/index.js';
import type { HostObject } from '../pwsh-host/stub-calls.js';
import type { Bound, Handlers } from './bound.js';
import { HostFailure } from './host-failure.js';
import type { SimulatedNetwork } from './network-cmdlets.js';
import type { SimulatedMachine } from './simulated-machine.js';
import type { SimulatedSystem } from './system-cmdlets.js';

const KVP_METHODS = { AddKvpItems: 'add', ModifyKvpItems: 'modify', RemoveKvpItems: 'remove' } as const;

/** The classes of WMI that are asked for. Every change of KVP is a job, as it is on a Windows host. */
export function cimCmdlets(
  machines: readonly SimulatedMachine[],
  system: SimulatedSystem,
  network: SimulatedNetwork,
): Handlers {
  const jobs = new Map<string, WmiResult>();

  function machineOf(name: unknown): SimulatedMachine | undefined {
    return machines.find((each) => each.id.toUpperCase() === name);
  }

  function workers(filter: string): readonly HostObject[] {
    const [, id] = /^Name = 'vmwp.exe' AND CommandLine LIKE '%([0-9A-F-]{36})%'$/.exec(filter) ?? [];
    return machineOf(id)?.isOn === true ? [{ CimClass: 'Win32_Process', SystemName: id }] : [];
  }

  function kvpComponent(name: string): readonly HostObject[] {
    const found = machineOf(name);
    const items = found?.kvp?.readNow();
    if (found?.isOn !== true || items === undefined) return [];
    return [
      {
        ...{ CimClass: 'Msvm_KvpExchangeComponent', SystemName: name },
        ...{ GuestExchangeItems: items.guest, GuestIntrinsicExchangeItems: items.intrinsic },
      },
    ];
  }

  function changeKvp(bound: Bound): readonly HostObject[] {
    const method = KVP_METHODS[bound.text('MethodName') as keyof typeof KVP_METHODS];
    const { TargetSystem: target, DataItems: items } = bound.table('Arguments');
    const [system] = [target].flat() as HostObject[];
    const kvp = machineOf(system?.['Name'])?.kvp;
    // 32775: invalid state for this operation.
    if (kvp === undefined) return [{ ReturnValue: 32_775 }];
    const result = kvp.changeNow(method, [items].flat() as string[]);
    if (result.returnValue !== 4_096) return [{ ReturnValue: result.returnValue }];
    const id = randomUUID().toUpperCase();
    jobs.set(id, result);
    return [{ ReturnValue: 4_096, Job: { InstanceID: id } }];
  }

  return {
    'Get-CimInstance': (bound) => {
      const className = bound.text('ClassName');
      if (className === 'Win32_Process') return workers(bound.text('Filter'));
      const [, value = ''] = /^\w+ = '([0-9A-F-]{36})'$/.exec(bound.optionalText('Filter') ?? '') ?? [];
      switch (className) {
        case 'Win32_NetworkAdapterConfiguration':
          return network.configurations();
        case 'Msvm_ShutdownComponent':
          return machineOf(value)?.isOn === true ? [{ CimClass: className, SystemName: value }] : [];
        case 'Msvm_ComputerSystem':
          return machineOf(value) === undefined ? [] : [{ CimClass: className, Name: value }];
        case 'Msvm_KvpExchangeComponent':
          return kvpComponent(value);
        case 'Msvm_VirtualSystemManagementService':
          return [{ CimClass: className, CreationClassName: className, Name: 'vmms' }];
        case 'Msvm_ConcreteJob':
          return jobRows(jobs.get(value));
        default:
          return system.cimRows(className, bound.optionalText('Filter')) ?? fail(unknownClass());
      }
    },
    'Get-CimAssociatedInstance': (bound) => {
      const component = bound.object('InputObject');
      if (bound.text('ResultClassName') !== 'Msvm_KvpExchangeComponentSettingData') throw unknownClass();
      return [{ HostExchangeItems: machineOf(component?.['SystemName'])?.kvp?.readNow()?.host ?? [] }];
    },
    'Invoke-CimMethod': (bound) => {
      const target = bound.object('InputObject');
      if (target?.['CimClass'] === 'Msvm_VirtualSystemManagementService') return changeKvp(bound);
      const found = machineOf(target?.['SystemName']);
      if (target?.['CimClass'] === 'Win32_Process') {
        found?.end('Off');
        return [{ ReturnValue: 0 }];
      }
      if (bound.text('MethodName') !== 'InitiateShutdown' || found === undefined) throw unknownClass();
      if (!found.hearsShutdown) return [{ ReturnValue: 32_775 }];
      found.askToShutDown();
      return [{ ReturnValue: 0 }];
    },
  };
}

function fail(error: Error): never {
  throw error;
}

function jobRows(result: WmiResult | undefined): readonly HostObject[] {
  if (result === undefined) return [];
  const { jobState, jobError, jobHResult } = result;
  const code = jobHResult === undefined ? '' : ` (0x${(jobHResult >>> 0).toString(16).toUpperCase()})`;
  return [
    { JobState: jobState, ErrorCode: jobError, ErrorDescription: `Das Gerät ist nicht bereit.${code}` },
  ];
}

function unknownClass(): HostFailure {
  return new HostFailure({
    errorId: 'HRESULT 0x80041010',
    category: 'MetadataError',
    hresult: 0x8004_1010,
    message: 'Ungültige Klasse.',
  });
}
