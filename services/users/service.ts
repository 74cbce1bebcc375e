import { implement, type Service } from '../../mesh/runtime/service.js';
import { UsersServiceDefinition } from '../../proto/gen/meshmart/users/v1/users.js';
import { accountHandlers } from './accounts.js';
import { addressBookHandlers } from './address-book.js';
import { createLoginThrottle } from './login-throttle.js';
import { scryptHasher } from './password-hasher.js';
import { schema } from './schema.js';
import { sessionHandlers } from './sessions.js';
import { readSettings } from './settings.js';

/** Accounts, addresses, tokens. */
export const service: Service = {
  schema,
  build: (ports) => {
    const settings = readSettings(ports.setting);
    const hasher = scryptHasher(ports.random, settings);
    return {
      contracts: [
        implement(UsersServiceDefinition, {
          ...accountHandlers(ports, hasher),
          ...sessionHandlers(ports, hasher, createLoginThrottle(ports.clock), settings),
          ...addressBookHandlers(ports),
        }),
      ],
    };
  },
};
