import type { Duplex } from 'node:stream';
import { framesOf, writeAll, writeFrame, type Logger } from '../../core/host/index.js';
import { MobyvmError, reportOf, textOf, type StreamFrame } from '../../core/values/index.js';
import {
  FROM_CLIENT,
  FROM_DAEMON,
  SHELL_UPGRADE,
  shellOpen,
  shellSize,
} from '../../protocol/shell-messages.js';
import type { GuestShell, ShellRequest } from '../guest-shell/index.js';

/** Opens commands in the VM. */
export type OpenShell = (request: ShellRequest, signal: AbortSignal) => Promise<GuestShell>;

const ACCEPTED = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${SHELL_UPGRADE}\r\n\r\n`;

/** Serves one `POST /v1/shell` (see protocol/shell-messages.ts) to its end. Never throws. */
export async function serveShell(client: Duplex, open: OpenShell, logger: Logger): Promise<void> {
  const gone = new AbortController();
  client.once('close', () => gone.abort());
  client.on('error', () => gone.abort());
  try {
    await writeAll(client, new TextEncoder().encode(ACCEPTED));
    await converse(client, open, gone.signal);
  } catch (error) {
    const report = reportOf(error);
    if (!gone.signal.aborted) {
      logger.warn('control.shell.failed', { code: report.code, reason: textOf(error) });
      await send(client, FROM_DAEMON.FAILURE, { error: report }).catch(() => undefined);
    }
  } finally {
    client.end();
  }
}

async function converse(client: Duplex, open: OpenShell, gone: AbortSignal): Promise<void> {
  const frames = framesOf(client);
  const first = await frames.next();
  if (first.done === true || first.value.type !== FROM_CLIENT.OPEN) throw protocolError();
  const request = shellOpen.parse(jsonOf(first.value));
  const { command, terminal } = request;
  const shell = await open({ command, ...(terminal && { terminal }) }, gone);
  const close = (): void => void shell.close();
  gone.addEventListener('abort', close, { once: true });
  try {
    gone.throwIfAborted();
    await send(client, FROM_DAEMON.OPENED, {});
    const input = takeInput(frames, shell).catch(() => client.destroy());
    for await (const { stream, bytes } of shell.output())
      await writeFrame(client, stream === 'stdout' ? FROM_DAEMON.STDOUT : FROM_DAEMON.STDERR, bytes);
    await send(client, FROM_DAEMON.EXIT, { exitCode: await shell.exitCode });
    client.end();
    await input;
  } finally {
    gone.removeEventListener('abort', close);
    await shell.close();
  }
}

async function takeInput(frames: AsyncGenerator<StreamFrame>, shell: GuestShell): Promise<void> {
  for await (const frame of frames) {
    switch (frame.type) {
      case FROM_CLIENT.INPUT:
        // A command that ends or closes its input before all of it was sent is no error.
        await shell.write(frame.payload).catch(() => undefined);
        break;
      case FROM_CLIENT.INPUT_END:
        shell.endInput();
        break;
      case FROM_CLIENT.SIZE:
        await shell.resize(shellSize.parse(jsonOf(frame))).catch(() => undefined);
        break;
      default:
        throw protocolError();
    }
  }
}

function send(client: Duplex, type: number, body: unknown): Promise<void> {
  return writeFrame(client, type, new TextEncoder().encode(JSON.stringify(body)));
}

function jsonOf({ payload }: StreamFrame): unknown {
  return JSON.parse(new TextDecoder().decode(payload));
}

function protocolError(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_CONTROL_API',
    'The request for a shell could not be understood.',
    'Use the `mobyvm` command of the same version.',
  );
}
