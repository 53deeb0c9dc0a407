import { call } from '../../api.js';
import { Card, ProblemNote, useAction } from '../../parts.js';
import { AccountFields, accountIn, textIn } from './account-fields.js';

/** A folder that is not offered, or on a host without drives a folder that a letter stands for. */
export function AddFolder({ hasDrives }: { hasDrives: boolean }) {
  const action = useAction();
  const add = async (form: HTMLFormElement): Promise<void> => {
    const given = new FormData(form);
    const path = textIn(given, 'path').trim();
    await call('/v1/shares/add', {
      name: textIn(given, 'name').trim(),
      ...(path === '' ? {} : { path }),
      ...accountIn(given),
    });
    form.reset();
  };
  return (
    <Card title="Another folder">
      <form
        class="fields"
        aria-label="Another folder"
        onSubmit={(event) => {
          event.preventDefault();
          const form = event.currentTarget;
          void action.run(() => add(form));
        }}
      >
        <label>
          {hasDrives ? 'Full path' : 'Full path, or drive letter'}
          <input
            name="name"
            required
            maxLength={4096}
            spellcheck={false}
            placeholder={hasDrives ? 'C:\\work' : '/home/me/src or C'}
          />
        </label>
        {!hasDrives && (
          <label>
            Folder that the letter stands for
            <input name="path" maxLength={4096} spellcheck={false} placeholder="/home/me/c" />
          </label>
        )}
        <AccountFields />
        {action.problem !== undefined && <ProblemNote problem={action.problem} />}
        <button type="submit" class="primary" disabled={action.isBusy}>
          {action.isBusy ? 'Sharing…' : 'Share'}
        </button>
      </form>
    </Card>
  );
}
