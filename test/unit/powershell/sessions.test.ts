import { expect, it } from 'vitest';
import { PowerShellSessions, type PowerShell, type SessionPurpose } from '../../../src/powershell/index.js';

class Session implements PowerShell {
  isClosed = false;
  constructor(readonly purpose: SessionPurpose) {}
  read = () => Promise.resolve([]);
  run = () => Promise.resolve();
  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

function sessions() {
  const created: Session[] = [];
  const all = new PowerShellSessions((purpose) => {
    const session = new Session(purpose);
    created.push(session);
    return session;
  });
  return { all, created };
}

it('a session is created on first use, one per purpose', () => {
  const { all, created } = sessions();
  expect(created).toEqual([]);
  expect(all.for('look')).toBe(all.for('look'));
  expect(all.for('life')).not.toBe(all.for('look'));
  expect(created.map(({ purpose }) => purpose)).toEqual(['look', 'life']);
});

it('all are closed together, including those requested later', async () => {
  const { all, created } = sessions();
  all.for('look');
  all.for('exchange');
  await all.close();
  all.for('life');
  expect(created.map(({ purpose, isClosed }) => [purpose, isClosed])).toEqual([
    ['look', true],
    ['exchange', true],
    ['life', true],
  ]);
});
