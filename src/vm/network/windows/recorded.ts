import type { Ledger, LedgerEntry, Resource } from '../../../core/host/index.js';

/**
 * The same resource, recorded in the ledger from before its first effect until after its removal. So an entry
 * can outlive its object, but mobyvm never has an object without an entry.
 * @param isWanted false for a wanted state in which the resource does not exist
 */
export function recorded<Wanted, Found>(
  resource: Resource<Wanted, Found>,
  ledger: Ledger,
  entry: LedgerEntry,
  isWanted: (wanted: Wanted) => boolean = () => true,
): Resource<Wanted, Found> {
  return {
    id: resource.id,
    title: resource.title,
    observe: (context) => resource.observe(context),
    plan: (found, wanted) => resource.plan(found, wanted),
    async ensure(wanted, found, context) {
      let isUndone = true;
      if (!(await ledger.has(entry)) && isWanted(wanted)) {
        // Registered first, so it runs last.
        context.onFailure(async () => {
          if (isUndone) await ledger.delete(entry);
        });
        await ledger.add(entry);
      }
      const { signal, progress } = context;
      const onFailure: typeof context.onFailure = (undo) =>
        context.onFailure(async () => {
          try {
            await undo();
          } catch (error) {
            isUndone = false;
            throw error;
          }
        });
      await resource.ensure(wanted, found, { signal, progress, onFailure });
      if (!isWanted(wanted)) await ledger.delete(entry);
    },
    async remove(context) {
      const outcome = await resource.remove(context);
      await ledger.delete(entry);
      return outcome;
    },
  };
}
