import { connect, createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';

const RELAY = { port: 18_200, host: '127.0.0.1' };

/** Asks test/support/wine/simulated-windows.ts. */
export async function askLinuxSide(ask: string, argument?: unknown): Promise<unknown> {
  const socket = connect({ ...RELAY, allowHalfOpen: true });
  socket.write(`${JSON.stringify({ ask, argument })}\n`);
  const answer = JSON.parse(await text(socket)) as { value: unknown; error?: string };
  socket.end();
  if (answer.error !== undefined) throw new TypeError(answer.error);
  return answer.value;
}

/** The calls of PowerShell that could not be answered. Wine has no groups, so that each daemon creates its own again. */
export async function unansweredCalls(): Promise<readonly string[]> {
  const problems = (await askLinuxSide('problems')) as string[];
  return problems.filter((problem) => !problem.startsWith('New-LocalGroup: '));
}

/** The pipe that Hyper-V serves with the console of a machine, from the Linux side. */
export function serveConsole(): Server {
  return createServer((pipe) => {
    const socket = connect(RELAY);
    for (const [one, other] of [
      [pipe, socket],
      [socket, pipe],
    ] as const) {
      one.on('error', () => undefined);
      one.on('close', () => other.destroy());
    }
    socket.write('{"console":true}\n');
    socket.pipe(pipe).pipe(socket);
  }).listen('\\\\.\\pipe\\mobyvm_console');
}
