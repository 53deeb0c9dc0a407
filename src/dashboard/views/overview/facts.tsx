import { bytesText, dateText, durationText } from '../../format.js';
import type { MachineStatus, VmUsage } from '../../messages.js';
import { Badge, Card, Facts } from '../../parts.js';
import { DiskBar } from './disk-bar.js';

export function Engine({ status: { engine } }: { status: MachineStatus }) {
  const { reachable, version, apiVersion, endpoint, usual, clockOffsetMs } = engine;
  return (
    <Card
      title="Docker Engine"
      extra={<Badge tone={reachable ? 'good' : 'off'}>{reachable ? 'answers' : 'does not answer'}</Badge>}
    >
      <Facts
        rows={[
          ['Version', version && `${version}${apiVersion === undefined ? '' : ` (API ${apiVersion})`}`],
          ['Endpoint', <code>{endpoint}</code>],
          ['Usual endpoint', usual && <code>{usual.endpoint}</code>],
          ['', usual?.problem],
          ['Clock', clockOffsetMs === undefined ? undefined : clockText(clockOffsetMs)],
        ]}
      />
    </Card>
  );
}

/** It is known to within a second only. */
function clockText(offsetMs: number): string {
  if (Math.abs(offsetMs) < 1_000) return "as the host's";
  return `${durationText(Math.abs(offsetMs))} ${offsetMs > 0 ? 'ahead of' : 'behind'} the host's`;
}

interface MachineProps {
  readonly status: MachineStatus;
  readonly usage: VmUsage | undefined;
}

export function Machine({ status: { vm, guest, daemon }, usage }: MachineProps) {
  const { cpus, memoryMiB, firmware, accelerator, driver, saved } = vm;
  const savedBytes = saved?.bytes === undefined ? '' : `, ${bytesText(saved.bytes)}`;
  return (
    <Card
      title="Virtual machine"
      extra={<Badge tone={vm.state === 'running' ? 'good' : 'off'}>{vm.state}</Badge>}
    >
      <DiskBar disk={guest?.disk} takenBytes={usage?.diskBytes} />
      <Facts
        rows={[
          ['Saved', saved && `${dateText(saved.at)}${savedBytes}`],
          ['Processors', cpus],
          ['Memory', memoryMiB === undefined ? undefined : `${memoryMiB} MiB`],
          ['Driver', [driver, accelerator, firmware].filter(Boolean).join(', ')],
          ['System', guest && `${guest.os}, Linux ${guest.kernel}`],
          ['Last stage', vm.stage],
          ['Daemon', `${daemon.version}, since ${dateText(daemon.startedAt)}`],
        ]}
      />
    </Card>
  );
}

export function Network({ status: { network } }: { status: MachineStatus }) {
  return (
    <Card title="Network">
      <Facts
        rows={[
          ['Name', network.name],
          ['Namespace', network.namespace],
          ['Subnet', network.subnet],
          ['Host', network.hostAddress],
          ['VM', network.vmAddress],
          ['MAC', network.mac],
        ]}
      />
    </Card>
  );
}
