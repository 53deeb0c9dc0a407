import type { ListedShare, Shares } from '../../share/index.js';
import {
  shareAddRequest,
  shareCredentialsRequest,
  shareNameRequest,
  type ListedShare as WireShare,
  type ShareCheck,
  type ShareListing,
  type ShareRemoved,
} from '../../protocol/share-messages.js';

/** One request of the control API about shares. */
export interface ShareCall {
  readonly route: string;
  readonly body: () => Promise<unknown>;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

/** @returns what to answer, or undefined when the route is not about shares */
export async function answerShares(
  shares: Shares,
  { route, body, signal }: ShareCall,
): Promise<WireShare | ShareListing | ShareRemoved | ShareCheck | undefined> {
  switch (route) {
    case 'GET /v1/shares':
      await shares.load();
      return { shares: shares.list().map(toWire) };
    case 'POST /v1/shares/add': {
      const { password, ...request } = shareAddRequest.parse(await body());
      const { name, path, isReadOnly, user } = request;
      return toWire(await shares.add({ name, path, isReadOnly, user }, password, signal));
    }
    case 'POST /v1/shares/remove': {
      const { name, hostPath } = await shares.remove(shareNameRequest.parse(await body()).name, signal);
      return { name, hostPath };
    }
    case 'POST /v1/shares/credentials': {
      const { name, password } = shareCredentialsRequest.parse(await body());
      return toWire(await shares.setCredentials(name, password, signal));
    }
    case 'POST /v1/shares/check': {
      const steps = await shares.check(shareNameRequest.parse(await body()).name, signal);
      return { steps: steps.map((each) => ({ ...each })) };
    }
    default:
      return undefined;
  }
}

function toWire({ share, status }: ListedShare): WireShare {
  const { id, name, hostPath, points, isReadOnly, account } = share;
  const { state, failure } = status;
  return {
    id,
    name,
    hostPath,
    points: [...points],
    isReadOnly,
    ...(account.kind === 'user' ? { user: account.user } : {}),
    state,
    ...(failure === undefined ? {} : { step: failure.step, reason: failure.reason, remedy: failure.remedy }),
  };
}
