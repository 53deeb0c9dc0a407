import { z } from 'zod';
import { dnsAnswer, dnsQuery, dnsStatus } from './dns-messages.js';
import {
  cancelAnswer,
  daemonInfo,
  dashboardAnswer,
  diagnosisAnswer,
  doneAnswer,
  hostReport,
  kvpListing,
  kvpPool,
  kvpRemoveRequest,
  kvpSetAnswer,
  kvpSetRequest,
  leaseListing,
  machineStatus,
  operationAnswer,
  operationName,
  operationRequest,
  portListing,
  settingsAnswer,
  settingsRequest,
  tokenAnswer,
} from './messages.js';
import {
  listedShare,
  shareAddRequest,
  shareCheck,
  shareCredentialsRequest,
  shareListing,
  shareNameRequest,
  shareOffers,
  shareRemoved,
} from './share-messages.js';

/** One request of the control API. docs/openapi.json and the tables in docs/control-api.md are made from these. */
export interface Route<Params, Body, Answer> {
  readonly method: 'GET' | 'POST';
  /** May hold parameters: `/v1/kvp/{pool}`. */
  readonly path: string;
  /** One line in the imperative, without a full stop. */
  readonly summary: string;
  readonly params: z.ZodType<Params>;
  /** `NO_BODY` if it has none. */
  readonly body: z.ZodType<Body>;
  readonly answer: z.ZodType<Answer>;
  /** Of a response that is no error. */
  readonly status: 200 | 202;
}

export const NO_BODY = z.undefined();
const NO_PARAMS = z.object({});
type NoParams = z.infer<typeof NO_PARAMS>;

function get<Answer>(
  path: string,
  summary: string,
  answer: z.ZodType<Answer>,
): Route<NoParams, undefined, Answer> {
  return { method: 'GET', path, summary, params: NO_PARAMS, body: NO_BODY, answer, status: 200 };
}

function post<Body, Answer>(
  path: string,
  summary: string,
  { body, answer }: { readonly body: z.ZodType<Body>; readonly answer: z.ZodType<Answer> },
): Route<NoParams, Body, Answer> {
  return { method: 'POST', path, summary, params: NO_PARAMS, body, answer, status: 200 };
}

/** Those of the local socket or pipe, and of the dashboard's address. */
export const ROUTES = {
  daemon: get(
    '/v1/daemon',
    'Get what the daemon knows without asking the VM, and therefore at once',
    daemonInfo,
  ),
  status: get('/v1/status', 'Get the state of the VM, its engine and its network', machineStatus),
  operate: {
    ...post('/v1/operations/{name}', 'Start, stop, restart or remove the VM; its steps are events', {
      body: operationRequest,
      answer: operationAnswer,
    }),
    params: z.object({ name: operationName }),
    status: 202,
  },
  cancel: post('/v1/cancel', 'Abort the running operation and undo what it did', {
    body: NO_BODY,
    answer: cancelAnswer,
  }),
  examineHost: get('/v1/doctor', 'Check the host, seen from where the daemon runs', hostReport),
  repair: post('/v1/repair', 'Repair what can be repaired while the VM runs, then check the host', {
    body: NO_BODY,
    answer: hostReport,
  }),
  diagnose: post('/v1/diagnose', 'Collect what a report about a problem needs, within a minute', {
    body: NO_BODY,
    answer: diagnosisAnswer,
  }),
  ports: get('/v1/ports', 'List published ports with their traffic', portListing),
  leases: get('/v1/dhcp/leases', 'List DHCP leases', leaseListing),
  dnsStatus: get('/v1/dns', 'Get the DNS servers that containers use, and the cache', dnsStatus),
  dnsQuery: post('/v1/dns/query', 'Look up a name as containers do', { body: dnsQuery, answer: dnsAnswer }),
  shares: get('/v1/shares', 'List shares and whether they work', shareListing),
  shareOffers: get('/v1/shares/offers', 'List drives, or folders of users, that can be shared', shareOffers),
  addShare: post('/v1/shares/add', 'Share a drive or folder', { body: shareAddRequest, answer: listedShare }),
  removeShare: post('/v1/shares/remove', 'Stop sharing a drive or folder', {
    body: shareNameRequest,
    answer: shareRemoved,
  }),
  setShareCredentials: post('/v1/shares/credentials', "Replace the password of a share's account", {
    body: shareCredentialsRequest,
    answer: listedShare,
  }),
  checkShare: post('/v1/shares/check', 'Find out at which step a share fails', {
    body: shareNameRequest,
    answer: shareCheck,
  }),
  kvp: {
    ...get('/v1/kvp/{pool}', 'List the key-value items of a pool; secrets are masked', kvpListing),
    params: z.object({ pool: kvpPool }),
  },
  setKvp: post('/v1/kvp/set', 'Set a key-value item for the guest', {
    body: kvpSetRequest,
    answer: kvpSetAnswer,
  }),
  removeKvp: post('/v1/kvp/remove', 'Remove a key-value item of the host', {
    body: kvpRemoveRequest,
    answer: doneAnswer,
  }),
  settings: get('/v1/settings', 'Get the settings file, its schema and the defaults', settingsAnswer),
  saveSettings: post(
    '/v1/settings',
    'Replace the settings file; refused with every problem of the settings',
    {
      body: settingsRequest,
      answer: settingsAnswer,
    },
  ),
  openDashboard: post('/v1/dashboard', "Open the dashboard's port, and get its address and token", {
    body: NO_BODY,
    answer: dashboardAnswer,
  }),
  renewToken: post('/v1/token', 'Exchange the token of the daemon before for the present one', {
    body: NO_BODY,
    answer: tokenAnswer,
  }),
  exit: {
    ...post('/v1/exit', 'End the daemon; refused while it has a machine', {
      body: NO_BODY,
      answer: doneAnswer,
    }),
    status: 202,
  },
} as const;

/** The path with its parameters, encoded. */
export function pathOf(template: string, params: Readonly<Record<string, unknown>>): string {
  return template.replace(/\{(\w+)\}/g, (_whole, name: string) => encodeURIComponent(String(params[name])));
}

/** The parameters in a path, decoded; undefined if it is the path of another route. */
export function paramsIn(template: string, path: string): Record<string, string> | undefined {
  const wanted = template.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, part] of wanted.entries()) {
    const text = given[at] ?? '';
    const [, name] = /^\{(\w+)\}$/.exec(part) ?? [];
    if (name === undefined && part !== text) return undefined;
    if (name === undefined) continue;
    const value = decoded(text);
    if (value === undefined) return undefined;
    params[name] = value;
  }
  return params;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
