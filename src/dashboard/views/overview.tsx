import type { Live } from '../live.js';
import type { MachineStatus } from '../messages.js';
import { bytesText, dateText, secondsText, timeText } from '../format.js';
import { Chart } from '../chart.js';
import { Badge, Card, Empty, Facts, ProblemNote, Table } from '../parts.js';

export function Overview({ live }: { live: Live }) {
  const { status, absent } = live;
  if (status === undefined)
    return absent.status === undefined ? (
      <Empty>Waiting for the daemon…</Empty>
    ) : (
      <ProblemNote problem={absent.status} />
    );
  return (
    <>
      {status.error !== undefined && <ProblemNote problem={status.error} />}
      <Pending status={status} />
      <div class="grid">
        <Steps status={status} />
        <Engine status={status} />
        <Machine status={status} diskBytes={live.usage?.diskBytes} />
        <Network status={status} />
      </div>
      <Usage live={live} />
      <Obstacles status={status} />
    </>
  );
}

function Usage({ live }: { live: Live }) {
  const { usage, processors, memory, traffic } = live;
  return (
    <div class="grid">
      <Card title="Published ports">
        <Chart label="Traffic" names={['in', 'out']} samples={traffic} unit="bytes/s" />
      </Card>
      {usage?.processorSeconds !== undefined && (
        <Card title="What the VM uses of this host">
          <Chart label="Processor" names={['busy']} samples={processors} unit="processors" />
          <Chart label="Memory" names={['in use']} samples={memory} unit="bytes" />
        </Card>
      )}
    </div>
  );
}

function Pending({ status: { pending = [] } }: { status: MachineStatus }) {
  if (pending.length === 0) return null;
  return (
    <div class="note busy" role="status">
      <p>These settings take effect when the VM is restarted:</p>
      <ul>
        {pending.map(({ setting, from, to }) => (
          <li key={setting}>
            <code>{setting}</code>: {from} → {to}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Steps({ status }: { status: MachineStatus }) {
  const { step, timings } = status;
  const done = timings?.steps ?? [];
  const guest = timings?.guest ?? [];
  const total = done.reduce((sum, { durationMs }) => sum + durationMs, 0);
  if (done.length === 0 && step === undefined)
    return (
      <Card title="Start">
        <Empty>The steps of a start appear here, with the time that each takes.</Empty>
      </Card>
    );
  return (
    <Card
      title={step === undefined ? 'Last start' : 'In progress'}
      extra={total > 0 && <span class="muted">{secondsText(total)}</span>}
    >
      <ol class="steps">
        {done.map(({ id, title, durationMs }) => (
          <li key={id} class="done">
            <span>{title}</span>
            <span class="muted">{secondsText(durationMs)}</span>
          </li>
        ))}
        {step !== undefined && (
          <li class="current" aria-current="step">
            <span>
              {step.title}
              {step.detail !== '' && <small>{step.detail}</small>}
            </span>
            <span class="muted">{secondsText(step.elapsedMs)}</span>
          </li>
        )}
      </ol>
      {guest.length > 0 && (
        <details>
          <summary>Stages of the VM's boot</summary>
          <ol class="steps">
            {guest.map(({ stage, text, uptimeSeconds }, at) => (
              <li key={at}>
                <span>
                  {stage}
                  <small>{text}</small>
                </span>
                <span class="muted">{uptimeSeconds.toFixed(1)} s</span>
              </li>
            ))}
          </ol>
        </details>
      )}
    </Card>
  );
}

function Engine({ status: { engine } }: { status: MachineStatus }) {
  const { reachable, version, apiVersion, endpoint, usual, clockOffsetMs } = engine;
  return (
    <Card
      title="Docker Engine"
      extra={<Badge tone={reachable ? 'good' : 'off'}>{reachable ? 'answers' : 'does not answer'}</Badge>}
    >
      <Facts
        rows={[
          ['Version', version],
          ['API', apiVersion],
          ['Endpoint', <code>{endpoint}</code>],
          ['Usual endpoint', usual && <code>{usual.endpoint}</code>],
          ['', usual?.problem],
          [
            'Clock',
            clockOffsetMs === undefined
              ? undefined
              : `${(clockOffsetMs / 1_000).toFixed(1)} s ahead of the host's`,
          ],
        ]}
      />
    </Card>
  );
}

interface MachineProps {
  readonly status: MachineStatus;
  readonly diskBytes: number | undefined;
}

function Machine({ status: { vm, guest }, diskBytes }: MachineProps) {
  const { cpus, memoryMiB, firmware, accelerator, driver, saved } = vm;
  return (
    <Card
      title="Virtual machine"
      extra={<Badge tone={vm.state === 'running' ? 'good' : 'off'}>{vm.state}</Badge>}
    >
      <Facts
        rows={[
          ['Processors', cpus],
          ['Memory', memoryMiB === undefined ? undefined : `${memoryMiB} MiB`],
          ['Data disk', diskBytes === undefined ? undefined : `${bytesText(diskBytes)} on this host`],
          ['Driver', [driver, accelerator].filter(Boolean).join(', ')],
          ['Firmware', firmware],
          ['System', guest && `${guest.os}, ${guest.kernel}`],
          ['Last stage', vm.stage],
          [
            'Saved',
            saved && `${dateText(saved.at)}${saved.bytes === undefined ? '' : `, ${bytesText(saved.bytes)}`}`,
          ],
        ]}
      />
    </Card>
  );
}

function Network({ status: { network } }: { status: MachineStatus }) {
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

function Obstacles({
  status: { obstacles = [], repairs = [], heldContainers = [] },
}: {
  status: MachineStatus;
}) {
  return (
    <>
      {obstacles.map(({ problem, remedy }) => (
        <ProblemNote key={problem} problem={{ message: problem, remedy }} />
      ))}
      {heldContainers.length > 0 && (
        <div class="note busy">Waiting for a share before they are started: {heldContainers.join(', ')}</div>
      )}
      {repairs.length > 0 && (
        <Card title="Repaired">
          <Table
            label="Repairs"
            head={['When', 'What', 'Problem']}
            rows={repairs.map(({ at, title, problem }) => [timeText(at), title, problem])}
          />
        </Card>
      )}
    </>
  );
}
