import { run } from '../../../core/host/index.js';
import {
  decodeAddresses,
  decodeLinks,
  decodeMtus,
  decodeRoutes,
  type HostAddress,
  type HostLink,
  type HostRoute,
  type LinkMtu,
} from './ip.codec.js';

/** Every network interface of the current namespace. */
export async function listLinks(signal?: AbortSignal): Promise<readonly HostLink[]> {
  return decodeLinks(await readIp(['-details', 'link', 'show'], signal));
}

export async function listMtus(signal?: AbortSignal): Promise<readonly LinkMtu[]> {
  return decodeMtus(await readIp(['link', 'show'], signal));
}

export async function listAddresses(signal?: AbortSignal): Promise<readonly HostAddress[]> {
  return decodeAddresses(await readIp(['-4', 'address', 'show'], signal));
}

/** The routes of every table, including those of policy routing. */
export async function listRoutes(signal?: AbortSignal): Promise<readonly HostRoute[]> {
  return decodeRoutes(await readIp(['-4', 'route', 'show', 'table', 'all'], signal));
}

/** The output of `ip -json <args>`. */
export async function readIp(args: readonly string[], signal?: AbortSignal): Promise<string> {
  return (await run('ip', ['-json', ...args], signal === undefined ? {} : { signal })).stdout;
}

/**
 * Applies a change. Takes no signal on purpose: a change takes milliseconds, and an interrupted one would
 * have an unknown effect and no undo.
 */
export async function changeIp(...args: readonly string[]): Promise<void> {
  await run('ip', args);
}
