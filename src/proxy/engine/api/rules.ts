import type { ApiPlan, ApiRules, AskEngine, BodyEdit, Rewriting } from '../api-rules.js';
import type { RequestHead, ResponseHead } from '../http/head.codec.js';
import { valuesOf } from '../http/head.codec.js';
import { CodecError } from '../../../core/values/index.js';
import type { Refusal } from '../refusal.plan.js';
import { encodePath, routeOf, versionPrefixOf, type Route } from './routes.plan.js';
import type { ShareHealth, ShareProblem } from './share-health.js';
import { PATH_MEMBERS, type Shape } from './path-sites.plan.js';
import { readJson } from './read-json.js';
import {
  drivePathsIn,
  errorToHost,
  localVolumesIn,
  mayHoldDrive,
  toGuest,
  toHost,
} from './translate.plan.js';
import type { DrivePath, PathTranslation, ToGuest } from './translate.plan.js';

export interface ApiRulesOptions {
  readonly paths: PathTranslation;
  readonly health: ShareHealth;
  /** Whether responses show host paths. Called for each response. */
  readonly showHostPaths: () => boolean;
}

/** A share that takes longer to check counts as broken: mounting it would hang. */
const HEALTH_MS = 1_800;

/**
 * Rewrites messages that hold paths: requests get guest paths, responses get host paths. Refuses to create or
 * start a container with a bind on a drive that is not available in the VM.
 */
export function apiRules(options: ApiRulesOptions): ApiRules {
  return {
    planFor(head: RequestHead): ApiPlan | undefined {
      const route = routeOf(head.method, head.target);
      return route === undefined ? undefined : planOf(route, head, options);
    },
  };
}

function planOf(route: Route, head: RequestHead, options: ApiRulesOptions): ApiPlan {
  /** The paths on drives that this request names. */
  const known: DrivePath[] = [];
  const { request, response, startsContainer } = route;
  return {
    check:
      startsContainer === undefined
        ? undefined
        : async (ask) => {
            known.push(...(await pathsOfContainer(startsContainer, { head, ask, options })));
            return deadShare(known, options.health, 500);
          },
    rewriteRequest:
      request === undefined
        ? undefined
        : async (body): Promise<Rewriting> => {
            const read = await readRequest(body, request, options.paths);
            if (read.kind === 'refused') return refusedWith(read.message, 400);
            known.push(...read.paths);
            const refusal = await deadShare(read.paths, options.health, 400);
            if (refusal !== undefined) return { kind: 'refused', refusal };
            // Only now: a folder that does not answer has been refused.
            const spelled = await options.paths.spelledOnHost?.(read.paths.map(({ path }) => path));
            const sent = spelled === undefined ? read : await readRequest(body, request, spelled);
            if (sent.kind === 'refused') return refusedWith(sent.message, 400);
            known.push(...(sent === read ? [] : sent.paths));
            return sent.text === undefined
              ? undefined
              : { kind: 'rewritten', body: Buffer.from(sent.text, 'latin1') };
          },
    rewriteResponse(answer): BodyEdit | undefined {
      if (!options.showHostPaths() || !isPlainJson(answer)) return undefined;
      if (answer.status >= 400) return edit((text) => errorToHost(text, known));
      return response && ((body) => showHostPaths(body, response, options.paths));
    },
  };
}

/** A body without a value is left for the engine to refuse. */
async function readRequest(body: Buffer, shape: Shape, paths: PathTranslation): Promise<ToGuest> {
  const text = body.toString('latin1');
  if (!/[^ \t\r\n]/.test(text)) return { kind: 'read', text: undefined, paths: [] };
  try {
    return toGuest({ text, document: await readJson(text, PATH_MEMBERS) }, shape, paths);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return { kind: 'refused', message: `mobyvm: the request body cannot be read: ${error.message}.` };
  }
}

/** A response that cannot be read is delivered as it came. */
async function showHostPaths(
  body: Buffer,
  shape: Shape,
  paths: PathTranslation,
): Promise<Uint8Array | undefined> {
  const text = body.toString('latin1');
  if (!mayHoldDrive(text)) return undefined;
  try {
    const { root } = await readJson(text, PATH_MEMBERS);
    const changed = toHost(text, { root, shape }, paths);
    return changed === undefined ? undefined : Buffer.from(changed, 'latin1');
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return undefined;
  }
}

/**
 * Finds the paths that starting a container mounts. Binds, and volumes that are bound to a folder, are
 * mounted at every start, so that their check at creation is not enough. Inspects the container and each of
 * its local volumes.
 */
async function pathsOfContainer(
  container: string,
  {
    head,
    ask,
    options,
  }: { readonly head: RequestHead; readonly ask: AskEngine; readonly options: ApiRulesOptions },
): Promise<readonly DrivePath[]> {
  const version = versionPrefixOf(head.target);
  const inspected = (await ask(`${version}/containers/${encodePath(container)}/json`))?.toString('latin1');
  if (inspected === undefined) return [];
  const found = [...drivePathsIn(inspected, 'container', options.paths)];
  for (const name of localVolumesIn(inspected)) {
    const volume = await ask(`${version}/volumes/${name}`);
    // The engine does not answer, or the start will fail anyway.
    if (volume === undefined) break;
    found.push(...drivePathsIn(volume.toString('latin1'), 'volume', options.paths));
  }
  return found;
}

async function deadShare(
  paths: readonly DrivePath[],
  health: ShareHealth,
  status: 400 | 500,
): Promise<Refusal | undefined> {
  for (const { drive, path, asWritten } of paths) {
    const problem = await inTime(asWritten, health.problemOf(drive, path));
    if (problem === undefined) continue;
    return {
      status,
      message: `mobyvm: "${asWritten}" cannot be mounted: ${problem.reason}. ${problem.remedy}`,
    };
  }
  return undefined;
}

async function inTime(
  asWritten: string,
  asking: Promise<ShareProblem | undefined>,
): Promise<ShareProblem | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const silent: ShareProblem = {
    reason: `the host does not answer for ${asWritten}`,
    remedy: 'Check that the folder is accessible on the host, then try again.',
  };
  const late = new Promise<ShareProblem>((resolve) => {
    timer = setTimeout(() => resolve(silent), HEALTH_MS);
  });
  try {
    // One that cannot be examined may hang as well.
    return await Promise.race([asking.catch(() => silent), late]);
  } finally {
    clearTimeout(timer);
  }
}

function refusedWith(message: string, status: 400 | 500): Rewriting {
  return { kind: 'refused', refusal: { status, message } };
}

function isPlainJson(head: ResponseHead): boolean {
  return (
    valuesOf(head, 'content-type').some((type) => /^application\/json\b/i.test(type)) &&
    valuesOf(head, 'content-encoding').length === 0
  );
}

function edit(change: (text: string) => string | undefined): BodyEdit {
  return (body) => {
    const text = change(body.toString('latin1'));
    return Promise.resolve(text === undefined ? undefined : Buffer.from(text, 'latin1'));
  };
}
