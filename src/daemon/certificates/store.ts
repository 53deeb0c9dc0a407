import { join } from 'node:path';
import {
  type FileProtection,
  type Logger,
  readFileIfPresent,
  writeFileAtomically,
} from '../../core/host/index.js';
import { errnoOf, MobyvmError } from '../../core/values/index.js';
import {
  createAuthority,
  inspectCertifiedKey,
  isLeafOf,
  issueLeaf,
  machineIdOf,
  type CertifiedKey,
  type InspectedKey,
  type LeafRole,
} from '../../proxy/index.js';
import { planRenewal, type Renewal } from './renewal.plan.js';

export interface CertificateStoreOptions {
  /** `<state>/tls`; created if missing, and accessible to the daemon only. */
  readonly directory: string;
  readonly files: FileProtection;
  readonly machineId: string;
  /** The host's clock, in milliseconds since 1970. */
  readonly nowMs: number;
  readonly logger: Logger;
}

/** PEM texts. The keys are secrets: they are never logged and never part of an error. */
export interface MachineCertificates {
  /** The authority's certificate; its key never leaves the store. */
  readonly ca: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly cert: string; readonly key: string };
  /** True if any of them was just created. */
  readonly changed: boolean;
}

type Name = 'ca' | LeafRole;

/**
 * The certificates of one machine for mutual TLS with its engine. They are created at the first start, and
 * again when they expire within 30 days, belong to another machine, or cannot be used. Damaged certificates
 * never prevent a start: the guest gets its certificate at each boot, so new ones work as well as the old.
 *
 * Only one process at a time may use a directory.
 * @throws MobyvmError MOBYVM_STATE_FILE if the directory or a file cannot be written; MOBYVM_DISK_FULL
 */
export async function loadCertificates(options: CertificateStoreOptions): Promise<MachineCertificates> {
  const { directory, files, machineId, nowMs } = options;
  await makeDirectory(directory, files);
  const stored = {
    ca: await readPair(options, 'ca'),
    server: await readPair(options, 'server'),
    client: await readPair(options, 'client'),
  };
  const usable = usableOf(stored);
  const renewal = planRenewal(
    {
      authority: usable.ca && { ...usable.ca.inspected, machineId: machineIdOf(usable.ca.inspected) },
      server: usable.server?.inspected,
      client: usable.client?.inspected,
    },
    machineId,
    nowMs,
  );
  if (renewal.kind === 'keep' && usable.ca && usable.server && usable.client) {
    return certificatesOf({ ca: usable.ca, server: usable.server, client: usable.client }, false);
  }
  const kept = renewal.kind === 'renew leafs' ? usable.ca : undefined;
  const ca = kept ?? (await createAuthority({ machineId, nowMs }));
  const server = await issueLeaf(ca, { role: 'server', nowMs });
  const client = await issueLeaf(ca, { role: 'client', nowMs });
  // The authority first: after an interruption, leaf certificates that do not match it are detected and
  // replaced.
  if (kept === undefined) await writePair(options, 'ca', ca);
  await writePair(options, 'server', server);
  await writePair(options, 'client', client);
  report(
    options,
    renewal,
    Object.values(stored).some((pair) => pair !== undefined),
  );
  return certificatesOf({ ca, server, client }, true);
}

interface UsablePair extends CertifiedKey {
  readonly inspected: InspectedKey;
}

type Pairs<Pair> = Readonly<Record<Name, Pair>>;

/** The stored certificates and keys that are intact and match each other. */
function usableOf(stored: Pairs<CertifiedKey | undefined>): Pairs<UsablePair | undefined> {
  const ca = inspect(stored.ca);
  const leaf = (role: LeafRole): UsablePair | undefined => {
    const pair = inspect(stored[role]);
    return ca && pair && isLeafOf(ca.inspected, pair.inspected, role) ? pair : undefined;
  };
  return { ca, server: leaf('server'), client: leaf('client') };
}

function inspect(pair: CertifiedKey | undefined): UsablePair | undefined {
  const inspected = pair && inspectCertifiedKey(pair);
  return pair && inspected && { ...pair, inspected };
}

function certificatesOf({ ca, server, client }: Pairs<CertifiedKey>, changed: boolean): MachineCertificates {
  return {
    ca: ca.certificate,
    server: { cert: server.certificate, key: server.key },
    client: { cert: client.certificate, key: client.key },
    changed,
  };
}

function report({ directory, logger }: CertificateStoreOptions, renewal: Renewal, hadSome: boolean): void {
  const reason = renewal.kind === 'keep' ? '' : renewal.reason;
  if (!hadSome) logger.info('certificates.created', { directory });
  else if (renewal.kind === 'renew leafs') logger.info('certificates.renewed', { directory, reason });
  // Anyone who got the old authority's certificate, such as a running guest, does not trust the new one.
  else logger.warn('certificates.authority.replaced', { directory, reason });
}

function pathsOf(directory: string, name: Name): { readonly certificate: string; readonly key: string } {
  return { certificate: join(directory, `${name}.pem`), key: join(directory, `${name}-key.pem`) };
}

/**
 * Undefined if neither file exists; a single missing or unreadable file counts as empty, which is not valid
 * PEM.
 */
async function readPair(
  { directory, files }: CertificateStoreOptions,
  name: Name,
): Promise<CertifiedKey | undefined> {
  const paths = pathsOf(directory, name);
  const [certificate, stored] = await Promise.all([
    readText(paths.certificate, files),
    readText(paths.key, files),
  ]);
  const key = stored === undefined ? undefined : ((await files.seal.open(stored)) ?? '');
  if (certificate === undefined && key === undefined) return undefined;
  return { certificate: certificate ?? '', key: key ?? '' };
}

async function readText(path: string, files: FileProtection): Promise<string | undefined> {
  try {
    const text = await readFileIfPresent(path);
    // A file restored from a copy may be readable by others.
    if (text !== undefined) await files.file(path);
    return text;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return '';
  }
}

async function writePair(
  { directory, files }: CertificateStoreOptions,
  name: Name,
  pair: CertifiedKey,
): Promise<void> {
  const paths = pathsOf(directory, name);
  await write(paths.key, await files.seal.seal(pair.key));
  await write(paths.certificate, pair.certificate);
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFileAtomically(path, text);
  } catch (error) {
    throw error instanceof MobyvmError ? error : notWritableError(path, error);
  }
}

async function makeDirectory(directory: string, files: FileProtection): Promise<void> {
  try {
    await files.folder(directory, 'private');
  } catch (error) {
    throw error instanceof MobyvmError ? error : notWritableError(directory, error);
  }
}

function notWritableError(path: string, cause: unknown): MobyvmError {
  return new MobyvmError(
    'MOBYVM_STATE_FILE',
    `Cannot store the machine's certificates: ${path} is not writable (${errnoOf(cause) ?? 'unknown reason'}).`,
    `Make ${path} writable, or move it away if it does not belong to mobyvm.`,
    { cause },
  );
}
