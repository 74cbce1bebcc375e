import type { BusMessage } from '../../mesh/bus/bus.js';
import type { Ambient } from '../../mesh/runtime/ports.js';
import { type SigningKey, signToken } from '../../mesh/security/token.js';
import type { SeededRandom } from '../../mesh/sim/seeded-random.js';
import { UserUpdated } from '../../proto/gen/meshmart/users/v1/users_events.js';
import { testCards } from '../../witnesses/card-processor/test-cards.js';
import { type RestAccess, type RestClient, restClient } from '../workload/rest-client.js';
import { patiently } from './patiently.js';

/** Someone who can buy: an account's token and the tokens of cards. */
export interface ChaosBuyer {
  readonly user: string;
  readonly token: string;
  readonly client: RestClient;
  /** A card that works. */
  readonly good: string;
  /** One that may decline, hang, or charge and answer "timeout"; the same for who has only one. */
  readonly other: string;
}

/** How accounts are made. */
export interface BuyersOptions extends RestAccess {
  /** How many buy again and again, with two cards each. */
  readonly regulars: number;
  /** How many come for the sale alone, with one card each. */
  readonly bargainHunters: number;
  readonly signingKey: SigningKey;
  readonly ambient: Ambient;
  readonly random: SeededRandom;
  publish(messages: readonly BusMessage[]): Promise<void>;
}

/** Both kinds. */
export interface Buyers {
  readonly regulars: readonly ChaosBuyer[];
  readonly bargainHunters: readonly ChaosBuyer[];
}

const dayMs = 86_400_000;
const workingCard = '4242424242424242';
const scopes = ['cart', 'orders', 'payment', 'profile'];
/** Accounts that are made at the same time. */
const atOnce = 8;

/**
 * Makes accounts as the operator can, with the shop's own signing key: a thousand passwords would take minutes to hash. The
 * bus hears of them as the users service tells of an account that was changed, so that mails find them without a welcome. Cards go into the vault by the public API.
 */
export async function openBuyers(options: BuyersOptions): Promise<Buyers> {
  const { ambient, shopUrl, answerWithinMs, http, random } = options;
  const nowMs = ambient.clock.nowMs();
  const count = options.regulars + options.bargainHunters;
  const users = Array.from({ length: count }, (_, index) => `usr_${String(index).padStart(26, '0')}`);
  for (let at = 0; at < count; at += 100)
    await options.publish(users.slice(at, at + 100).map((user) => contact(user, nowMs)));
  const cards = Object.keys(testCards);
  const buyers: ChaosBuyer[] = [];
  let next = 0;
  const open = async () => {
    for (;;) {
      const index = next;
      const user = users[index];
      if (user === undefined) return;
      next += 1;
      const token = signToken(
        { subject: user, kind: 'user', scopes, jti: user },
        options.signingKey,
        nowMs,
        dayMs,
      );
      const client = restClient({ shopUrl, answerWithinMs, http, token });
      const tokenOf = (card: string) => patiently('the token of a card', () => client.tokenize(card));
      const good = await tokenOf(workingCard);
      const other = index < options.regulars ? await tokenOf(random.pick(cards)) : good;
      buyers[index] = { user, token, client, good, other };
    }
  };
  await Promise.all(Array.from({ length: atOnce }, open));
  return { regulars: buyers.slice(0, options.regulars), bargainHunters: buyers.slice(options.regulars) };
}

function contact(userId: string, occurredAtMs: number): BusMessage {
  const event = UserUpdated.fromPartial({ userId, email: `${userId}@example.com`, name: 'Ada' });
  return {
    id: `chaos-${userId}`,
    topic: 'users',
    type: 'meshmart.users.v1.UserUpdated',
    key: userId,
    data: UserUpdated.encode(event).finish(),
    occurredAtMs,
    traceparent: undefined,
  };
}
