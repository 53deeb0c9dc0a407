import { useEffect, useState } from 'preact/hooks';
import { call } from './api.js';
import { ConfirmButton } from './confirm.js';
import type { MachineStatus, SettingsAnswer } from './messages.js';
import { useAction } from './parts.js';
import { currentLive, setLive } from './store.js';

interface OperationProps {
  readonly status: MachineStatus;
}

/** Starts, saves, shuts down and restarts the VM. Each button says what becomes of the containers. */
export function Operations({ status }: OperationProps) {
  const { state, daemon } = status;
  const action = useAction();
  const isSaving = useSavesOnDown(state);
  const operate = (name: string, options: { readonly stop?: boolean } = {}): void =>
    void action.run(async () => {
      setLive({ ...currentLive(), notice: undefined });
      const requester = { pid: daemon.pid, command: 'the dashboard' };
      await call(`/v1/operations/${name}`, { id: crypto.randomUUID(), requester, ...options });
    });
  const isDown = ['absent', 'stopped', 'saved', 'failed'].includes(state);
  const isBusy = state === 'starting' || state === 'restarting' || state === 'stopping';
  return (
    <div class="buttons end">
      {action.problem !== undefined && (
        <span class="problem" role="alert">
          {action.problem.message}
        </span>
      )}
      {isDown && (
        <button type="button" class="primary" disabled={action.isBusy} onClick={() => operate('up')}>
          {state === 'saved' ? 'Resume' : 'Start'}
        </button>
      )}
      {!isDown && !isBusy && (
        <>
          {isSaving && (
            <button
              type="button"
              disabled={action.isBusy}
              title="Keeps the memory of the VM on disk: containers continue where they were"
              onClick={() => operate('down')}
            >
              Save
            </button>
          )}
          <ConfirmButton
            label="Restart"
            verb="Restart the VM"
            isDisabled={action.isBusy}
            question="All containers are stopped, and the VM boots again. Those with a restart policy start by themselves."
            onConfirm={() => operate('restart')}
          />
          <ConfirmButton
            label="Shut down"
            verb="Shut down the VM"
            isDisabled={action.isBusy}
            question="All containers are stopped. Images, containers and volumes are kept."
            onConfirm={() => operate('down', { stop: true })}
          />
        </>
      )}
      {isBusy && state !== 'stopping' && (
        <button type="button" disabled={action.isBusy} onClick={() => operate('down')}>
          Cancel
        </button>
      )}
    </div>
  );
}

/** Whether `down` saves the VM, by the settings as they are now. */
function useSavesOnDown(state: string): boolean {
  const [saves, setSaves] = useState(false);
  useEffect(() => {
    call<SettingsAnswer>('/v1/settings').then(
      ({ settings, defaults }) =>
        setSaves((settings['machine']?.['onDown'] ?? defaults['machine']?.['onDown']) === 'save'),
      // Without settings that can be read there is only what always works.
      () => setSaves(false),
    );
  }, [state]);
  return saves;
}
