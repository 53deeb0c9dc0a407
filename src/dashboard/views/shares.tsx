import { useEffect, useState } from 'preact/hooks';
import { call } from '../api.js';
import type { Live } from '../live.js';
import type { ShareOffers } from '../messages.js';
import { Card, Empty, ProblemNote } from '../parts.js';
import { AddFolder } from './shares/add-folder.js';
import { OfferRow } from './shares/offer-row.js';
import { ShareRow } from './shares/share-row.js';

/** A list to tick: what is shared, and what else could be. */
export function Shares({ live: { shares, absent } }: { live: Live }) {
  const [found, setFound] = useState<ShareOffers | undefined>(undefined);
  useEffect(() => {
    // Without offers, a folder can be named.
    call<ShareOffers>('/v1/shares/offers').then(setFound, () => undefined);
  }, []);
  const offers = (found?.offers ?? []).filter(
    ({ name, hostPath }) =>
      shares?.every((share) => share.name !== name && share.hostPath !== hostPath) ?? false,
  );
  const hasDrives = found?.hasDrives ?? false;
  return (
    <>
      <Card title={hasDrives ? 'Drives' : 'Drives and folders'}>
        <p class="muted">
          Containers can bind what is ticked here. Clear a tick to stop sharing; nothing is deleted.
        </p>
        {absent.shares !== undefined && <ProblemNote problem={absent.shares} />}
        {shares?.length === 0 && offers.length === 0 && <Empty>Nothing is shared yet.</Empty>}
        <ul class="list">
          {shares?.map((share) => (
            <ShareRow key={share.id} share={share} />
          ))}
          {offers.map((offer) => (
            <OfferRow key={offer.name} offer={offer} />
          ))}
        </ul>
      </Card>
      <AddFolder hasDrives={hasDrives} />
    </>
  );
}
