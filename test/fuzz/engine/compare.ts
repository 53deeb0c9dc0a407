import { DIFFERENCES } from './differences.js';
import { converse, responsesIn, type Response } from './exchange.js';
import { NAME, type Case } from './generate.js';

export interface Sockets {
  readonly straight: string;
  readonly through: string;
}

export interface Mismatch {
  readonly straight: unknown;
  readonly through: unknown;
}

/** What was compared: the names of the deliberate differences that were seen. */
export interface Outcome {
  readonly seen: readonly string[];
  readonly mismatch: Mismatch | undefined;
}

/** Of the same length as the name that they replace. */
const NAMES = ['fuzz-strt-', 'fuzz-thru-'] as const;

/** Sends a case both ways and compares the responses, and what the engine recorded. */
export async function compare(sockets: Sockets, { straight, through, methods }: Case): Promise<Outcome> {
  const [a, b] = await Promise.all([
    converse(sockets.straight, named(straight, NAMES[0])),
    converse(sockets.through, named(through, NAMES[1])),
  ]);
  const left = responsesIn(a, methods);
  const right = responsesIn(b, methods);
  const recorded = await Promise.all([
    recordedOf(sockets.straight, left),
    recordedOf(sockets.straight, right),
  ]);
  const outcome = firstDifference(left, right, through.toString('latin1'));
  if (outcome.mismatch !== undefined || outcome.seen.length > 0 || same(...recorded)) return outcome;
  return { ...outcome, mismatch: { straight: recorded[0], through: recorded[1] } };
}

function named(bytes: Buffer, name: string): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll(NAME, name), 'latin1');
}

/** After a listed difference the connections differ, so that what follows is not compared. */
function firstDifference(left: readonly Response[], right: readonly Response[], sent: string): Outcome {
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const [straight, through] = [left[index], right[index]];
    if (straight !== undefined && through !== undefined && same(shown(straight), shown(through))) continue;
    const listed = DIFFERENCES.find(({ is }) => is(straight, through, sent));
    if (listed !== undefined) return { seen: [listed.name], mismatch: undefined };
    return { seen: [], mismatch: { straight, through } };
  }
  return { seen: [], mismatch: undefined };
}

/** Without ids and times; host paths of a created volume as the guest has them. */
function shown({ status, fields, body }: Response): unknown {
  const text = body
    .replaceAll(/[0-9a-f]{64}/g, 'ID')
    .replaceAll(/fuzz-(?:strt|thru)-/g, NAME)
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/"C:\\\\site/g, '"/C/site')
    .replaceAll('a b', 'a b')
    // Which containers other connections have created just now differs.
    .replace(/^\[(?:\{"Id":"ID","Names":.*)?\]\n$/s, '[CONTAINERS]')
    .replaceAll(/\/C\/site\\\\/g, '/C/site/');
  return { status, fields: fields.filter((field) => !/^content-length:/i.test(field)), text };
}

/** What the engine has created, which is then removed. */
async function recordedOf(socket: string, responses: readonly Response[]): Promise<readonly unknown[]> {
  const all: unknown[] = [];
  for (const { status, body } of responses) {
    if (status !== 201) continue;
    const id = /"Id":"([0-9a-f]{64})"/.exec(body)?.[1];
    const volume = /"Name":"(fuzz-[^"]+)"/.exec(body)?.[1];
    if (id === undefined && volume === undefined) continue;
    const path = id === undefined ? `/volumes/${volume ?? ''}` : `/containers/${id}`;
    const record = await call(socket, 'GET', id === undefined ? path : `${path}/json`);
    all.push(essence(record?.body ?? ''));
    await call(socket, 'DELETE', `${path}?force=1`);
  }
  return all;
}

async function call(socket: string, method: string, path: string): Promise<Response | undefined> {
  const request = `${method} ${path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n`;
  return responsesIn(await converse(socket, Buffer.from(request)), [method])[0];
}

function essence(body: string): unknown {
  const { HostConfig, Config, Options, Labels } = JSON.parse(body) as Record<string, unknown>;
  const text = JSON.stringify({ HostConfig, Config, Options, Labels });
  return text.replaceAll(/"Hostname":"[0-9a-f]{12}"/g, '');
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
