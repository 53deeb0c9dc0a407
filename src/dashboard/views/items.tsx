import { useEffect, useState } from 'preact/hooks';
import { call } from '../api.js';
import { ConfirmButton } from '../confirm.js';
import type { KvpListing, KvpSetAnswer } from '../messages.js';
import { Card, Empty, ProblemNote, Table, useAction } from '../parts.js';

const OTHER_POOLS = [
  ['guest', 'Set by the VM'],
  ['intrinsic', 'What the VM says about itself'],
] as const;

/** The daemon's own items: it refuses to change them. */
const OWN = 'mobyvm.';

export function Items() {
  return (
    <>
      <HostItems />
      {OTHER_POOLS.map(([pool, title]) => (
        <Pool key={pool} pool={pool} title={title} />
      ))}
    </>
  );
}

/** The exchange is asked on demand only: each look at the guest's items is a request to the VM. */
function usePool(pool: string) {
  const action = useAction();
  const [listing, setListing] = useState<KvpListing | undefined>(undefined);
  const load = (): void => void action.run(async () => setListing(await call<KvpListing>(`/v1/kvp/${pool}`)));
  useEffect(load, [pool]);
  return { action, listing, load };
}

type Loaded = ReturnType<typeof usePool>;

function Pool({ pool, title }: { pool: string; title: string }) {
  const { action, listing, load } = usePool(pool);
  return (
    <Card title={title} extra={<Reload title={title} action={action} load={load} />}>
      {action.problem !== undefined && <ProblemNote problem={action.problem} />}
      <Unreadable listing={listing} />
      {listing?.items.length === 0 && <Empty>There are none.</Empty>}
      {listing !== undefined && listing.items.length > 0 && (
        <Table label={title} head={['Name', 'Value']} rows={listing.items.map(cellsOf)} />
      )}
    </Card>
  );
}

/** What the host has set, which can be changed here. */
function HostItems() {
  const title = 'Set by the host';
  const { action, listing, load } = usePool('host');
  const change = useAction();
  const remove = (name: string): void =>
    void change.run(async () => {
      await call('/v1/kvp/remove', { name });
      load();
    });
  return (
    <Card title={title} extra={<Reload title={title} action={action} load={load} />}>
      {action.problem !== undefined && <ProblemNote problem={action.problem} />}
      {change.problem !== undefined && <ProblemNote problem={change.problem} />}
      <Unreadable listing={listing} />
      {listing?.items.length === 0 && <Empty>There are none.</Empty>}
      {listing !== undefined && listing.items.length > 0 && (
        <Table
          label={title}
          head={['Name', 'Value', 'Change']}
          rows={listing.items.map((item) => [
            ...cellsOf(item),
            item.name.startsWith(OWN) ? (
              <span class="muted">mobyvm's own</span>
            ) : (
              <ConfirmButton
                label="Remove"
                verb="Remove the item"
                question={`Programs in the VM that read ${item.name} will not find it any more.`}
                isDisabled={change.isBusy}
                onConfirm={() => remove(item.name)}
              />
            ),
          ])}
        />
      )}
      <SetItem onSet={load} />
    </Card>
  );
}

function SetItem({ onSet }: { onSet: () => void }) {
  const action = useAction();
  const [said, setSaid] = useState('');
  const [isSecret, setSecret] = useState(false);
  const set = async (form: HTMLFormElement): Promise<void> => {
    const given = new FormData(form);
    setSaid('');
    const item = { name: textIn(given, 'name').trim(), value: textIn(given, 'value'), secret: isSecret };
    const { delivered } = await call<KvpSetAnswer>('/v1/kvp/set', item);
    setSaid(delivered ? `${item.name} is set.` : `${item.name} is kept: the VM gets it when it has booted.`);
    setSecret(false);
    form.reset();
    onSet();
  };
  return (
    <form
      class="fields above"
      aria-label="Set an item"
      onSubmit={(event) => {
        event.preventDefault();
        const form = event.currentTarget;
        void action.run(() => set(form));
      }}
    >
      <label>
        Name
        <input name="name" required maxLength={256} spellcheck={false} autocomplete="off" />
      </label>
      <label>
        Value
        {isSecret ? (
          <input name="value" type="password" maxLength={2_048} autocomplete="off" />
        ) : (
          <input name="value" maxLength={2_048} spellcheck={false} autocomplete="off" />
        )}
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={isSecret}
          onChange={({ currentTarget }) => setSecret(currentTarget.checked)}
        />{' '}
        Secret: never shown again
      </label>
      <button type="submit" class="primary" disabled={action.isBusy}>
        {action.isBusy ? 'Setting…' : 'Set'}
      </button>
      {action.problem !== undefined && <ProblemNote problem={action.problem} />}
      <span role="status">{said}</span>
    </form>
  );
}

function textIn(given: FormData, name: string): string {
  const value = given.get(name);
  return typeof value === 'string' ? value : '';
}

function cellsOf({ name, value, isSecret }: KvpListing['items'][number]) {
  return [
    <code>{name}</code>,
    isSecret ? <span class="muted">secret</span> : <span class="value">{value}</span>,
  ];
}

function Unreadable({ listing }: { listing: KvpListing | undefined }) {
  if (listing === undefined || listing.unreadable === 0) return null;
  return <p class="muted">{listing.unreadable} more cannot be read.</p>;
}

function Reload({ title, action, load }: Pick<Loaded, 'action' | 'load'> & { title: string }) {
  const text = action.isBusy ? 'Loading…' : 'Load again';
  return (
    <button type="button" onClick={load} disabled={action.isBusy} aria-label={`${text}: ${title}`}>
      {text}
    </button>
  );
}
