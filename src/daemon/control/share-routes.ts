import type { FileOwner, ListedShare, OwnerChoice, Shares } from '../../share/index.js';
import { formatOctalMode, parseOctalMode } from '../../core/values/index.js';
import { ROUTES } from '../../protocol/control-routes.js';
import type {
  ListedShare as WireShare,
  ShareAddRequest,
  ShareListing,
  ShareOffers,
  ShareOwner,
} from '../../protocol/share-messages.js';
import { endpoint, type Endpoint } from './endpoint.js';

/** What is asked about shares. */
export function shareEndpoints(shares: Shares, offers: () => Promise<ShareOffers>): readonly Endpoint[] {
  return [
    endpoint(ROUTES.shareOffers, offers),
    endpoint(ROUTES.shares, () => shareListingOf(shares)),
    endpoint(ROUTES.addShare, async ({ body: { password, ...request }, signal }) => {
      const { name, path, isReadOnly, user } = request;
      const owner = request.owner && toChoice(request.owner);
      return toWire(await shares.add({ name, path, isReadOnly, user, owner }, password, signal));
    }),
    endpoint(ROUTES.removeShare, async ({ body, signal }) => {
      const { name, hostPath } = await shares.remove(body.name, signal);
      return { name, hostPath };
    }),
    endpoint(ROUTES.setShareCredentials, async ({ body: { name, password }, signal }) =>
      toWire(await shares.setCredentials(name, password, signal)),
    ),
    endpoint(ROUTES.checkShare, async ({ body, signal }) => {
      const steps = await shares.check(body.name, signal);
      return { steps: steps.map((each) => ({ ...each })) };
    }),
  ];
}

export async function shareListingOf(shares: Shares): Promise<ShareListing> {
  await shares.load();
  return { shares: shares.list().map(toWire) };
}

function toWire({ share, status }: ListedShare): WireShare {
  const { id, name, hostPath, points, isReadOnly, account, owner } = share;
  const { state, failure } = status;
  return {
    id,
    name,
    hostPath,
    points: [...points],
    isReadOnly,
    ...(account.kind === 'user' ? { user: account.user } : {}),
    owner: toWireOwner(owner),
    state,
    ...(failure === undefined ? {} : { step: failure.step, reason: failure.reason, remedy: failure.remedy }),
  };
}

function toWireOwner({ uid, gid, fileMode, directoryMode }: FileOwner): ShareOwner {
  return { uid, gid, fileMode: formatOctalMode(fileMode), directoryMode: formatOctalMode(directoryMode) };
}

function toChoice({ uid, gid, fileMode, directoryMode }: NonNullable<ShareAddRequest['owner']>): OwnerChoice {
  return {
    uid,
    gid,
    fileMode: fileMode === undefined ? undefined : parseOctalMode(fileMode),
    directoryMode: directoryMode === undefined ? undefined : parseOctalMode(directoryMode),
  };
}
