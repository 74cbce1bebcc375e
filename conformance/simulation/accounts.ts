import { UserRegistered } from '../../proto/gen/meshmart/users/v1/users_events.js';
import { testCards } from '../../witnesses/card-processor/test-cards.js';
import { type FrontDoor, type SimulatedClient, simulatedClient } from './simulated-client.js';
import type { SimulatedShop } from './simulated-shop.js';

/** A buyer with an account and two cards in the vault. */
export interface Account {
  readonly user: string;
  readonly client: SimulatedClient;
  /** The token of a card that works. */
  readonly good: string;
  /** The token of a card that may decline or misbehave. */
  readonly other: string;
}

const workingCard = '4242424242424242';

/** Opens accounts, each with another second card. */
export function openAccounts(shop: SimulatedShop, door: FrontDoor, count: number): Promise<Account[]> {
  const numbers = Object.keys(testCards);
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const user = `usr_${String(index).padStart(26, '0')}`;
      register(shop, user);
      const client = simulatedClient(door, user);
      return {
        user,
        client,
        good: await client.tokenize(workingCard),
        other: await client.tokenize(numbers[index % numbers.length] ?? workingCard),
      };
    }),
  );
}

/** The event that the users service would have published: passwords are not simulated. */
function register({ broker, schedule }: SimulatedShop, userId: string): void {
  broker.inject({
    id: `users-${userId}`,
    topic: 'users',
    type: 'meshmart.users.v1.UserRegistered',
    key: userId,
    data: UserRegistered.encode(
      UserRegistered.fromPartial({ userId, email: `${userId}@example.com`, name: 'Ada' }),
    ).finish(),
    occurredAtMs: Math.floor(schedule.nowMs()),
    traceparent: undefined,
  });
}
