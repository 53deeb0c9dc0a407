import type { ComponentChildren } from 'preact';
import type { Live } from '../../live.js';
import type { MachineStatus } from '../../messages.js';
import { Badge, Card, Facts } from '../../parts.js';
import { SHARE_TONES } from '../share-state.js';

interface RunningProps {
  readonly live: Live;
  readonly status: MachineStatus;
}

/** What the VM is there for, each with the way to more of it. */
export function Running({ live: { containers, shares }, status }: RunningProps) {
  const { open = 0, waiting = 0, failed = 0 } = status.ports ?? {};
  const ports = [
    `${open} open`,
    ...(waiting > 0 ? [`${waiting} waiting`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
  ];
  const { hostNetworkContainers = [] } = status;
  return (
    <Card title="What runs">
      <Facts
        rows={[
          [
            'Containers',
            containers === undefined ? (
              'not known while the engine does not answer'
            ) : (
              <a href="#/containers">
                {containers.length === 0 ? 'none' : names(containers.map(({ name }) => name))}
              </a>
            ),
          ],
          ['Ports', <a href="#/containers">{ports.join(', ')}</a>],
          ['Shares', shares === undefined ? undefined : <ShareList shares={shares} />],
          [
            'Host network',
            hostNetworkContainers.length === 0
              ? undefined
              : `${names(hostNetworkContainers)}: at the VM's address`,
          ],
        ]}
      />
    </Card>
  );
}

const SHOWN = 6;

function names(all: readonly string[]): string {
  const shown = all.slice(0, SHOWN).join(', ');
  return all.length > SHOWN ? `${shown} and ${all.length - SHOWN} more` : shown;
}

function ShareList({ shares }: { shares: NonNullable<Live['shares']> }): ComponentChildren {
  if (shares.length === 0) return <a href="#/shares">none</a>;
  return (
    <ul class="plain">
      {shares.map(({ id, name, state }) => (
        <li key={id}>
          <a href="#/shares">{name}</a> <Badge tone={SHARE_TONES[state]}>{state}</Badge>
        </li>
      ))}
    </ul>
  );
}
