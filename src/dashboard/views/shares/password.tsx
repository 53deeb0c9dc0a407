import { useState } from 'preact/hooks';
import { call } from '../../api.js';
import { ProblemNote, useAction } from '../../parts.js';

interface PasswordProps {
  readonly name: string;
  readonly account: string;
  readonly onDone: () => void;
}

export function Password({ name, account, onDone }: PasswordProps) {
  const action = useAction();
  const [password, setPassword] = useState('');
  return (
    <form
      class="fields"
      onSubmit={(event) => {
        event.preventDefault();
        void action.run(async () => {
          await call('/v1/shares/credentials', { name, password });
          onDone();
        });
      }}
    >
      <label>
        Password of {account}
        <input
          type="password"
          autocomplete="off"
          value={password}
          onInput={({ currentTarget }) => setPassword(currentTarget.value)}
          required
        />
      </label>
      {action.problem !== undefined && <ProblemNote problem={action.problem} />}
      <button type="submit" class="primary" disabled={action.isBusy}>
        Save password
      </button>
    </form>
  );
}
