import { useState } from 'preact/hooks';
import { call } from '../../api.js';
import type { ShareOffers } from '../../messages.js';
import { ProblemNote, useAction } from '../../parts.js';
import { AccountFields, accountIn } from './account-fields.js';

/** Something that is not shared. Ticking it asks whose rights the VM has, then shares it. */
export function OfferRow({ offer: { name, hostPath } }: { offer: ShareOffers['offers'][number] }) {
  const [isTicked, setTicked] = useState(false);
  const action = useAction();
  const share = async (form: HTMLFormElement): Promise<void> => {
    await call('/v1/shares/add', { name, ...accountIn(new FormData(form)) });
  };
  return (
    <li>
      <label class="tick">
        <input
          type="checkbox"
          checked={isTicked}
          onChange={({ currentTarget }) => setTicked(currentTarget.checked)}
        />
        <strong>{name}</strong> {name !== hostPath && <code>{hostPath}</code>}
      </label>
      {isTicked && (
        <form
          class="fields"
          aria-label={`Share ${name}`}
          onSubmit={(event) => {
            event.preventDefault();
            const form = event.currentTarget;
            void action.run(() => share(form));
          }}
        >
          <AccountFields />
          {action.problem !== undefined && <ProblemNote problem={action.problem} />}
          <div class="buttons">
            <button type="submit" class="primary" disabled={action.isBusy}>
              {action.isBusy ? 'Sharing…' : `Share ${name}`}
            </button>
            <button type="button" onClick={() => setTicked(false)}>
              Cancel
            </button>
          </div>
        </form>
      )}
    </li>
  );
}
