import { MeshError } from '../../mesh/contract/error.js';
import type { MailSender } from '../../mesh/runtime/service.js';
import type { Life } from '../../mesh/sim/life.js';
import type { Network } from '../../mesh/sim/network.js';

/** A mail that arrived. */
export interface MailRecord {
  readonly messageId: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly atMs: number;
}

/** A mail server that keeps what it gets. */
export interface SimulatedMail {
  senderFor(life: Life): MailSender;
  readonly records: readonly MailRecord[];
}

/** Makes the mail server. It stands at `mail` in the network. */
export function simulatedMail(network: Network, nowMs: () => number): SimulatedMail {
  const records: MailRecord[] = [];
  return {
    records,
    senderFor: (life) => ({
      send: ({ messageId, to, subject, text }) =>
        network
          .exchange(life, 'mail', () => void records.push({ messageId, to, subject, text, atMs: nowMs() }))
          .catch((cause: unknown) => {
            throw new MeshError({
              code: 'UNAVAILABLE',
              reason: 'UNAVAILABLE',
              message: 'the mail server gave no answer: the mail is sent again',
              cause,
            });
          }),
    }),
  };
}
