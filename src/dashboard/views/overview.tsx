import type { Live } from '../live.js';
import type { MachineStatus } from '../messages.js';
import { timeText } from '../format.js';
import { Card, Empty, ProblemNote, Table } from '../parts.js';
import { Engine, Machine, Network } from './overview/facts.js';
import { Running } from './overview/running.js';
import { CurrentSteps, LastStart } from './overview/steps.js';
import { Tiles } from './overview/tiles.js';

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
      <Obstacles status={status} />
      <CurrentSteps status={status} statusMs={live.statusMs} isLive={live.connection === 'live'} />
      <Tiles live={live} />
      <div class="columns">
        <Running live={live} status={status} />
        <Machine status={status} usage={live.usage} />
        <Engine status={status} />
        <Network status={status} />
        <LastStart status={status} />
        <Repairs status={status} />
      </div>
    </>
  );
}

export function Pending({ status: { pending = [] } }: { status: MachineStatus }) {
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

function Obstacles({
  status: { error, resources = [], obstacles = [], heldContainers = [] },
}: {
  status: MachineStatus;
}) {
  // That of the state is shown already.
  const broken = resources.filter(({ problem }) => problem !== undefined && problem !== error?.message);
  return (
    <>
      {broken.map(({ id, problem = '', remedy = '' }) => (
        <ProblemNote key={id} problem={{ message: problem, remedy }} />
      ))}
      {obstacles.map(({ problem, remedy }) => (
        <ProblemNote key={problem} problem={{ message: problem, remedy }} />
      ))}
      {heldContainers.length > 0 && (
        <div class="note busy">Waiting for a share before they are started: {heldContainers.join(', ')}</div>
      )}
    </>
  );
}

function Repairs({ status: { repairs = [] } }: { status: MachineStatus }) {
  if (repairs.length === 0) return null;
  return (
    <Card title="Repaired">
      <Table
        label="Repairs"
        head={['When', 'What', 'Problem']}
        rows={repairs.map(({ at, title, problem }) => [timeText(at), title, problem])}
      />
    </Card>
  );
}
