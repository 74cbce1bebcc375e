import { request } from '../buyer.js';
import { findEdge } from './edge.js';

/** Somebody who looks at a product ten times a second, whatever became of the looks before. */
export interface Looks {
  /** What failed since it was last asked: `503 no healthy upstream`. @throws Error when nobody has looked meanwhile. */
  failures(): Promise<string[]>;
  /** Waits for those under way. */
  end(): Promise<void>;
}

const everyMs = 100;

/** Begins at once, through the edge. */
export async function lookAtProducts(): Promise<Looks> {
  const { httpUrl } = await findEdge();
  const underWay = new Set<Promise<void>>();
  let ended = 0;
  let failures: string[] = [];
  const look = async () => {
    const failure = await request(httpUrl, 'GET', '/v1/products/prd_linen-lamp').then(
      ({ status, text }) => (status === 200 ? undefined : `${status} ${text.slice(0, 200)}`),
      (error: Error) => `no answer: ${(error.cause as Error | undefined)?.message ?? error.message}`,
    );
    ended += 1;
    if (failure !== undefined) failures.push(failure);
  };
  const timer = setInterval(() => {
    const one: Promise<void> = look().finally(() => underWay.delete(one));
    underWay.add(one);
  }, everyMs);
  const settle = () => Promise.all(underWay);
  return {
    failures: async () => {
      await settle();
      if (ended === 0) throw new Error('nobody has looked');
      const found = failures;
      failures = [];
      ended = 0;
      return found;
    },
    end: async () => {
      clearInterval(timer);
      await settle();
    },
  };
}
