import type { ListedShare, Shares } from '../../share/index.js';
import { ROUTES } from '../../protocol/control-routes.js';
import type { ListedShare as WireShare, ShareListing, ShareOffers } from '../../protocol/share-messages.js';
import { endpoint, type Endpoint } from './endpoint.js';

/** What is asked about shares. */
export function shareEndpoints(shares: Shares, offers: () => Promise<ShareOffers>): readonly Endpoint[] {
  return [
    endpoint(ROUTES.shareOffers, offers),
    endpoint(ROUTES.shares, () => shareListingOf(shares)),
    endpoint(ROUTES.addShare, async ({ body: { password, ...request }, signal }) => {
      const { name, path, isReadOnly, user } = request;
      return toWire(await shares.add({ name, path, isReadOnly, user }, password, signal));
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
