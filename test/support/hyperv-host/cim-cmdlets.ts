import type { Handlers } from './bound.js';
import { HostFailure } from './host-failure.js';
import type { SimulatedMachine } from './simulated-machine.js';

/** The classes of WMI that are asked for. */
export function cimCmdlets(machines: readonly SimulatedMachine[]): Handlers {
  return {
    'Get-CimInstance': (bound) => {
      const className = bound.text('ClassName');
      if (className !== 'Msvm_ShutdownComponent') throw unknownClass();
      const [, id] = /^SystemName = '([0-9A-F-]{36})'$/.exec(bound.text('Filter')) ?? [];
      const found = machines.find((each) => each.id.toUpperCase() === id && each.isOn);
      return found === undefined ? [] : [{ CimClass: className, SystemName: id }];
    },
    'Invoke-CimMethod': (bound) => {
      const target = bound.object('InputObject');
      const found = machines.find((each) => each.id.toUpperCase() === target?.['SystemName']);
      if (target?.['CimClass'] !== 'Msvm_ShutdownComponent' || found === undefined) throw unknownClass();
      if (bound.text('MethodName') !== 'InitiateShutdown' || bound.table('Arguments')['Force'] !== false)
        throw unknownClass();
      // 32775: invalid state for this operation.
      if (!found.hearsShutdown) return [{ ReturnValue: 32_775 }];
      setTimeout(() => found.isOn && found.end('Off'), 5).unref();
      return [{ ReturnValue: 0 }];
    },
  };
}

function unknownClass(): HostFailure {
  return new HostFailure({
    errorId: 'HRESULT 0x80041010',
    category: 'MetadataError',
    hresult: 0x8004_1010,
    message: 'Ungültige Klasse.',
  });
}
