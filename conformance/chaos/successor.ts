import { fork } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../mesh/runtime/package-root.js';
import { CallFailure, type PlaceAnswer, type ShopClient } from '../workload/shop-client.js';

/** What the other process is asked to do. */
export interface SuccessorRequest {
  readonly number: number;
  readonly shopUrl: string;
  readonly token: string;
  readonly key: string;
  readonly cardToken: string;
  readonly answerWithinMs: number;
}

/** What it says. */
export type SuccessorAnswer =
  | { readonly number: number; readonly answer: PlaceAnswer }
  | {
      readonly number: number;
      readonly outcome: 'fail' | 'info';
      readonly reason: string;
      readonly message: string;
    };

/** Another process that goes on where a client died: it is told the key, and nothing else is left. */
export interface Successor {
  client(shopUrl: string, token: string, answerWithinMs: number): Pick<ShopClient, 'placeOrder'>;
  stop(): void;
}

/** Starts it. It ends with this process. */
export function startSuccessor(): Successor {
  const child = fork(join(packageRoot(), 'dist/conformance/chaos/successor-main.js'), {
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const waiting = new Map<number, (answer: SuccessorAnswer) => void>();
  let asked = 0;
  child.on('message', (message) => {
    const answer = message as SuccessorAnswer;
    waiting.get(answer.number)?.(answer);
    waiting.delete(answer.number);
  });
  const gone = (number: number): SuccessorAnswer => ({
    number,
    outcome: 'info',
    reason: 'CLIENT_GONE',
    message: 'the other process is gone',
  });
  child.on('error', () => undefined);
  child.on('exit', () => {
    for (const [number, tell] of waiting) tell(gone(number));
    waiting.clear();
  });
  return {
    client: (shopUrl, token, answerWithinMs) => ({
      placeOrder: async (key, cardToken) => {
        asked += 1;
        const number = asked;
        const answer = await new Promise<SuccessorAnswer>((resolve) => {
          if (!child.connected) return resolve(gone(number));
          waiting.set(number, resolve);
          const request: SuccessorRequest = { number, shopUrl, token, key, cardToken, answerWithinMs };
          child.send(request, () => undefined);
        });
        if ('answer' in answer) return answer.answer;
        throw new CallFailure(answer.outcome, answer.reason, answer.message);
      },
    }),
    stop: () => {
      if (child.connected) child.disconnect();
    },
  };
}
