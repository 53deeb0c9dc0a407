import { join } from 'node:path';
import type { HostObject } from '../pwsh-host/stub-calls.js';
import type { Bound, Handlers } from './bound.js';
import { FAULTS, HostFailure, invalidState, notFound, outOfMemory } from './host-failure.js';
import type { SimulatedNetwork } from './network-cmdlets.js';
import type { SimulatedGuest } from './simulated-guest.js';
import type { CreateMachine, SimulatedMachine, SimulatedPort } from './simulated-machine.js';

const HOST_MEMORY_BYTES = 64 * 1024 ** 3;

export interface MachineWorld {
  readonly machines: SimulatedMachine[];
  readonly network: SimulatedNetwork;
  /** Runs in a machine that is created from now on. */
  readonly guest: SimulatedGuest | undefined;
  readonly createMachine: CreateMachine;
  /** The volume of the data disks is full. */
  isDiskFull: boolean;
}

/** Virtual machines, as the module Hyper-V has them. */
export function machineCmdlets(world: MachineWorld): Handlers {
  const { machines } = world;

  function machineOf(bound: Bound): SimulatedMachine {
    const id = bound.object('VM')?.['Id'];
    const name = bound.optionalText('Name');
    const found = machines.find((each) => (id === undefined ? each.name === name : each.id === id));
    if (found === undefined) throw notFound('ein virtueller Computer');
    return found;
  }

  const hasSwitch = (wanted: string): boolean => world.network.switches.some(({ name }) => name === wanted);

  function machineOfPart(part: HostObject | undefined): SimulatedMachine {
    const found = machines.find((each) => each.id === part?.['VMId']);
    if (found === undefined) throw notFound('ein Teil eines virtuellen Computers');
    return found;
  }

  function portOf(bound: Bound): SimulatedPort {
    const part = bound.object('VMNetworkAdapter');
    const found = machineOfPart(part).adapters.find(({ id }) => id === part?.['Id']);
    if (found === undefined) throw notFound('ein Netzwerkadapter');
    return found;
  }

  /** Settings of hardware cannot be changed while it runs. */
  function offMachineOf(bound: Bound): SimulatedMachine {
    const found = machineOf(bound);
    if (found.state !== 'Off') throw invalidState(`${found.name}: ${found.state}`);
    return found;
  }

  return {
    'Get-VM': (bound) => {
      const name = bound.optionalText('Name');
      if (!bound.has('Id'))
        return machines
          .filter((each) => name === undefined || each.name === name)
          .map((each) => each.object());
      const found = machines.find((each) => each.id === bound.text('Id').toLowerCase());
      if (found === undefined)
        throw new HostFailure({ ...notFound(bound.text('Id')).failure, errorId: 'InvalidParameter' });
      return [found.object()];
    },
    'New-VM': (bound) => {
      const switchName = bound.optionalText('SwitchName');
      if (switchName !== undefined && !hasSwitch(switchName)) throw notFound(switchName);
      const name = bound.text('Name');
      const made = world.createMachine(
        name,
        Number(bound.optionalText('Generation') ?? '1'),
        join(bound.optionalText('Path') ?? '/hyper-v', name),
        { memoryBytes: bound.number('MemoryStartupBytes'), switchName, guest: world.guest },
      );
      machines.push(made);
      return [made.object()];
    },
    'Set-VM': (bound) => {
      const found = machineOf(bound);
      if (bound.has('ProcessorCount') || bound.has('StaticMemory')) offMachineOf(bound);
      found.notes = bound.optionalText('Notes') ?? found.notes;
      found.cpus = bound.optionalNumber('ProcessorCount') ?? found.cpus;
      found.memoryBytes = bound.optionalNumber('MemoryStartupBytes') ?? found.memoryBytes;
      if (bound.boolean('StaticMemory') === true) found.hasDynamicMemory = false;
      found.hasAutomaticCheckpoints =
        bound.boolean('AutomaticCheckpointsEnabled') ?? found.hasAutomaticCheckpoints;
      found.checkpointType = bound.optionalText('CheckpointType') ?? found.checkpointType;
      found.startAction = bound.optionalText('AutomaticStartAction') ?? found.startAction;
      found.stopAction = bound.optionalText('AutomaticStopAction') ?? found.stopAction;
      return passed(bound, found);
    },
    'Start-VM': (bound) => {
      const found = machineOf(bound);
      if (!['Off', 'Saved'].includes(found.state)) throw invalidState(found.state);
      if (!found.mayOpenAll) throw new HostFailure(FAULTS.denied);
      if (found.memoryBytes > HOST_MEMORY_BYTES) throw outOfMemory();
      found.run(found.state === 'Off');
      return passed(bound, found);
    },
    'Resume-VM': (bound) => {
      const found = machineOf(bound);
      if (found.state === 'PausedCritical' && world.isDiskFull)
        throw new HostFailure({ ...invalidState('voll').failure, hresult: 0x8007_0070 });
      if (!found.state.startsWith('Paused')) throw invalidState(found.state);
      found.state = 'Running';
      return [];
    },
    'Save-VM': (bound) => {
      const found = machineOf(bound);
      if (!['Running', 'Paused'].includes(found.state)) throw invalidState(found.state);
      found.end('Saved');
      return [];
    },
    'Remove-VMSavedState': (bound) => {
      const found = machineOf(bound);
      if (!/^(Fast)?Saved/.test(found.state) || found.stuck === 'error') throw invalidState(found.state);
      found.end('Off');
      return [];
    },
    'Stop-VM': (bound) => {
      const found = machineOf(bound);
      if (bound.boolean('TurnOff') !== true || !found.isOn) throw invalidState(found.state);
      if (found.stuck === 'error') throw invalidState('Stopping');
      if (found.stuck === 'silently') return [];
      found.end('Off');
      return [];
    },
    'Remove-VM': (bound) => {
      const found = machineOf(bound);
      if (found.isOn) throw invalidState(found.state);
      machines.splice(machines.indexOf(found), 1);
      return [];
    },
    'Get-VMFirmware': (bound) => {
      const { id, secureBoot, bootOrder } = machineOf(bound);
      return [{ VMId: id, SecureBoot: secureBoot, BootOrder: bootOrder }];
    },
    'Set-VMFirmware': (bound) => {
      const found = offMachineOf(bound);
      if (found.generation !== 2) throw invalidState('Generation 1');
      found.secureBoot = bound.optionalText('EnableSecureBoot') ?? found.secureBoot;
      const first = bound.object('FirstBootDevice');
      const isOther = ({ Device }: HostObject): boolean => (Device as HostObject)['Path'] !== first?.['Path'];
      if (first !== undefined)
        found.bootOrder = [{ BootType: 'Drive', Device: first }, ...found.bootOrder.filter(isOther)];
      return [];
    },
    'Get-VMComPort': (bound) => {
      const port = machineOf(bound).portObject();
      return [bound.optionalNumber('Number') === 2 ? { ...port, Path: '' } : port];
    },
    'Set-VMComPort': (bound) => {
      offMachineOf(bound).comPath = bound.text('Path');
      return [];
    },
    'Get-VMNetworkAdapter': (bound) => {
      if (bound.boolean('ManagementOS') === true) return world.network.hostPorts(bound);
      return machineOf(bound).adapterObjects();
    },
    'Add-VMNetworkAdapter': (bound) => {
      if (!hasSwitch(bound.text('SwitchName'))) throw notFound(bound.text('SwitchName'));
      machineOf(bound).addAdapter(bound.text('SwitchName'), bound.text('StaticMacAddress'));
      return [];
    },
    'Set-VMNetworkAdapter': (bound) => {
      const adapter = portOf(bound);
      [adapter.mac, adapter.isDynamic] = [bound.text('StaticMacAddress'), false];
      return [];
    },
    'Connect-VMNetworkAdapter': (bound) => {
      if (!hasSwitch(bound.text('SwitchName'))) throw notFound(bound.text('SwitchName'));
      portOf(bound).switchName = bound.text('SwitchName');
      return [];
    },
    'Get-VMIntegrationService': (bound) => machineOf(bound).serviceObjects(),
    'Enable-VMIntegrationService': (bound) => setService(bound, true),
    'Disable-VMIntegrationService': (bound) => setService(bound, false),
    'Get-VMHardDiskDrive': (bound) => machineOf(bound).diskObjects(),
    'Add-VMHardDiskDrive': (bound) => {
      const found = machineOf(bound);
      found.disks.push(bound.text('Path'));
      found.letOpen(bound.text('Path'));
      return [];
    },
    'Set-VMHardDiskDrive': (bound) => {
      const drive = bound.object('VMHardDiskDrive');
      const found = machineOfPart(drive);
      found.disks[found.disks.indexOf(String(drive?.['Path']))] = bound.text('Path');
      found.letOpen(bound.text('Path'));
      return [];
    },
    'Remove-VMHardDiskDrive': (bound) => {
      const drive = bound.object('VMHardDiskDrive');
      const { disks } = machineOfPart(drive);
      disks.splice(disks.indexOf(String(drive?.['Path'])), 1);
      return [];
    },
    'Get-VMDvdDrive': (bound) => {
      const wanted = bound.optionalNumber('ControllerLocation');
      return machineOf(bound)
        .dvdObjects()
        .filter(({ ControllerLocation }) => wanted === undefined || wanted === ControllerLocation);
    },
    'Add-VMDvdDrive': (bound) => {
      offMachineOf(bound).dvds.push(bound.optionalText('Path'));
      return [];
    },
    'Set-VMDvdDrive': (bound) => {
      const drive = bound.object('VMDvdDrive');
      machineOfPart(drive).dvds[Number(drive?.['ControllerLocation'])] = bound.text('Path');
      return [];
    },
  };

  function passed(bound: Bound, found: SimulatedMachine): readonly HostObject[] {
    return bound.boolean('Passthru') === true ? [found.object()] : [];
  }

  function setService(bound: Bound, isEnabled: boolean): readonly HostObject[] {
    const service = bound.object('VMIntegrationService');
    const found = machineOfPart(service).services.find(({ id }) => id === service?.['Id']);
    if (found === undefined) throw notFound('ein Integrationsdienst');
    found.isEnabled = isEnabled;
    return [];
  }
}
