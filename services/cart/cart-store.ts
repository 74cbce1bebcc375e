import { MeshError } from '../../mesh/contract/error.js';
import type { DocumentBatch, DocumentChange, Documents } from '../../mesh/store/documents.js';
import { StoreConflict } from '../../mesh/store/store.js';
import type { TraceContext } from '../../mesh/telemetry/trace-context.js';
import { Cart } from '../../proto/gen/meshmart/cart/v1/cart.js';
import type { Line } from './cart.js';

/** A cart with the version that a change must find. 0 means that there is none yet. */
export interface KeptCart {
  readonly lines: readonly Line[];
  readonly version: number;
}

/** The carts of all owners. */
export interface Carts {
  load(owner: string, trace?: TraceContext): Promise<KeptCart>;
  /** What replaces a cart's lines, if the cart is still as it was loaded. */
  replacing(owner: string, before: KeptCart, lines: readonly Line[]): DocumentChange;
  /**
   * Loads, decides, commits; again when somebody else was quicker.
   * @param decide gives the lines that the cart shall have, from what was loaded.
   * @throws MeshError ABORTED (CONFLICT) after many tries, and what `decide` throws.
   */
  change(
    owner: string,
    decide: (lines: readonly Line[]) => readonly Line[],
    extra?: Pick<DocumentBatch, 'trace' | 'inbox'>,
  ): Promise<KeptCart>;
}

/** @param guestCartMs how long the cart of a guest is kept after its last change, in milliseconds. */
export function cartsIn(documents: Documents, guestCartMs: number): Carts {
  const load: Carts['load'] = async (owner, trace) => {
    const document = await documents.load(keyOf(owner), trace);
    return document === undefined
      ? { lines: [], version: 0 }
      : { lines: linesOf(document.data), version: document.version };
  };
  const replacing: Carts['replacing'] = (owner, before, lines) => ({
    key: keyOf(owner),
    expectedVersion: before.version,
    data: Cart.encode(Cart.fromPartial({ lines: [...lines] })).finish(),
    ...(owner.startsWith('guest_') ? { expiresAfterMs: guestCartMs } : {}),
  });
  return {
    load,
    replacing,
    change: (owner, decide, extra = {}) =>
      tryAgain(async () => {
        const before = await load(owner, extra.trace);
        const lines = decide(before.lines);
        await documents.commit({ ...extra, changes: [replacing(owner, before, lines)] });
        return { lines, version: before.version + 1 };
      }),
  };
}

function keyOf(owner: string): string {
  return `cart/${owner}`;
}

/** What is kept is the contract's message, without what follows from its lines. */
function linesOf(data: Uint8Array): Line[] {
  return Cart.decode(data).lines.map(({ productId, productName, quantity, unitPrice }) => {
    if (unitPrice === undefined) throw new Error(`a kept cart has no price for ${productId}`);
    return { productId, productName, quantity, unitPrice };
  });
}

const maxTries = 50;

/** Runs work again when a cart was changed meanwhile. @throws MeshError ABORTED (CONFLICT) after many tries. */
export async function tryAgain<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; attempt <= maxTries; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreConflict) || error.kind !== 'version') throw error;
    }
  }
  throw conflict();
}

export function conflict(): MeshError {
  return new MeshError({
    code: 'ABORTED',
    reason: 'CONFLICT',
    message: 'the cart is being changed by too many at once: try again',
  });
}
