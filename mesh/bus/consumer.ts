import { type Batch, type Store, StoreConflict } from '../store/store.js';
import type { Delivery } from './bus.js';

/** What remembers handled messages: a store with its batches, or documents with theirs. */
export interface InboxMemory<B> extends Pick<Store, 'inboxHas'> {
  commit(batch: B & Pick<Batch, 'inbox'>): Promise<void>;
}

/**
 * Gives a delivery its effect once: skips it when the inbox has it, else commits `work`'s batch together with the inbox row.
 * @throws what `work` throws, and StoreConflict of other kinds than inbox: the message is delivered again.
 */
export async function handleOnce<B = Batch>(
  store: InboxMemory<B>,
  consumer: string,
  delivery: Delivery,
  work: () => Promise<NoInfer<B>>,
): Promise<void> {
  if (await store.inboxHas(consumer, delivery.id)) return;
  const batch = await work();
  try {
    await store.commit({ ...batch, inbox: { consumer, messageId: delivery.id } });
  } catch (error) {
    // Another instance was quicker: the effect is there.
    if (error instanceof StoreConflict && error.kind === 'inbox') return;
    throw error;
  }
}
