import { MeshError } from '../../mesh/contract/error.js';
import type { Client } from '../../mesh/rpc/definition.js';
import { type LoneService, neighbour, startLoneService } from '../../mesh/testing/lone-service.js';
import { testContext } from '../../mesh/testing/test-context.js';
import { type VirtualClock, virtualClock } from '../../mesh/testing/virtual-clock.js';
import { UsersServiceDefinition } from '../../proto/gen/meshmart/users/v1/users.js';
import { service } from './service.js';

export const password = 'correct horse';
export const ada = { email: 'ada@example.com', password, name: 'Ada' };
export const home = {
  name: 'Ada',
  line1: 'Long Road 1',
  line2: '',
  city: 'Berlin',
  postalCode: '10115',
  country: 'DE',
};

/** Real password hashing: tenths of a second each on a busy machine. */
export const hashingTimeoutMs = 60_000;

/** The real service for each test of a suite, which verifies the tokens that it has signed by its own keys. */
export function loneUsers() {
  let clock: VirtualClock;
  let alone: LoneService;
  let client: Client<typeof UsersServiceDefinition>;

  const start = async (environment: Record<string, string> = {}) => {
    clock = virtualClock();
    alone = await startLoneService({
      name: 'users',
      service,
      ambient: clock,
      environment,
      neighbours: [
        neighbour(UsersServiceDefinition, {
          listSigningKeys: (request, context) =>
            alone.client(UsersServiceDefinition, 'users').listSigningKeys(request, context),
        }),
      ],
    });
    client = alone.client(UsersServiceDefinition);
  };
  beforeEach(() => start());
  afterEach(() => alone.stop());

  const outside = () => testContext({ clock: clock.clock });
  const as = (userToken: string) => testContext({ clock: clock.clock, userToken });
  const register = (changed: Partial<typeof ada> = {}, options = {}) =>
    client.register({ ...ada, ...changed }, outside(), options);
  const login = (email = ada.email, given = password) =>
    client.authenticate({ email, password: given }, outside());
  const newUser = async (email = ada.email) => {
    await register({ email });
    return as((await login(email)).token);
  };
  const rows = (table: 'users' | 'addresses') => alone.store.query({ sql: `SELECT * FROM ${table}` });
  const eventsOf = async (type: string) => {
    await clock.advance(1_000);
    return alone.published.filter((event) => event.type === `meshmart.users.v1.${type}`);
  };
  return {
    get clock() {
      return clock;
    },
    get alone() {
      return alone;
    },
    get client() {
      return client;
    },
    ...{ start, outside, as, register, login, newUser, rows, eventsOf },
  };
}

/** What a call was refused with. @throws Error when it was taken. */
export function errorOf(call: Promise<unknown>): Promise<MeshError> {
  return call.then(
    () => {
      throw new Error('the call was taken');
    },
    (error: unknown) => MeshError.from(error),
  );
}

export const reasonOf = (call: Promise<unknown>) => errorOf(call).then(({ reason }) => reason);
