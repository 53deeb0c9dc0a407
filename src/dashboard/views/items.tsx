import { useEffect, useState } from 'preact/hooks';
import { call } from '../api.js';
import type { KvpListing } from '../messages.js';
import { Card, Empty, ProblemNote, Table, useAction } from '../parts.js';

const POOLS = [
  ['host', 'Set by the host'],
  ['guest', 'Set by the VM'],
  ['intrinsic', 'What the VM says about itself'],
] as const;

export function Items() {
  return (
    <>
      {POOLS.map(([pool, title]) => (
        <Pool key={pool} pool={pool} title={title} />
      ))}
    </>
  );
}

/** The exchange is asked on demand only: each look at the guest's items is a request to the VM. */
function Pool({ pool, title }: { pool: string; title: string }) {
  const action = useAction();
  const [listing, setListing] = useState<KvpListing | undefined>(undefined);
  const load = (): void => void action.run(async () => setListing(await call<KvpListing>(`/v1/kvp/${pool}`)));
  useEffect(load, [pool]);
  return (
    <Card
      title={title}
      extra={
        <button type="button" onClick={load} disabled={action.isBusy} aria-label={`Load again: ${title}`}>
          {action.isBusy ? 'Loading…' : 'Load again'}
        </button>
      }
    >
      {action.problem !== undefined && <ProblemNote problem={action.problem} />}
      {listing?.items.length === 0 && <Empty>There are none.</Empty>}
      {listing !== undefined && listing.items.length > 0 && (
        <Table
          label={title}
          head={['Name', 'Value']}
          rows={listing.items.map(({ name, value, isSecret }) => [
            <code>{name}</code>,
            isSecret ? <span class="muted">secret</span> : <span class="value">{value}</span>,
          ])}
        />
      )}
    </Card>
  );
}
