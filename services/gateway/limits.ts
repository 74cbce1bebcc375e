import type { MethodPolicy } from '../../mesh/contract/policy.js';
import type { EdgePorts } from '../../mesh/runtime/edge.js';
import type { RateLimiter } from './rate-limiter.js';

/** Checks one call against all limits that it falls under. @throws MeshError RESOURCE_EXHAUSTED (RATE_LIMITED). */
export type CheckLimits = (call: {
  readonly client: string;
  readonly userId: string | undefined;
  readonly method: MethodPolicy;
}) => Promise<void>;

/** Methods that cost a password hash, or make accounts: they have a bucket of their own. */
const accountMethods = new Set([
  '/meshmart.users.v1.UsersService/Register',
  '/meshmart.users.v1.UsersService/Authenticate',
]);

/** The limits by client address and by user that the manifest's settings ask for. */
export function createLimits(ports: EdgePorts, limiter: RateLimiter): CheckLimits {
  const setting = (name: string) => Number(ports.setting(name));
  const client = { tokensPerSecond: setting('clientRequestsPerSecond'), burst: setting('clientBurst') };
  const user = { tokensPerSecond: setting('userRequestsPerSecond'), burst: setting('userBurst') };
  const perMinute = setting('loginsPerMinute');
  const account = { tokensPerSecond: perMinute / 60, burst: perMinute };
  return async (call) => {
    await limiter.take(`client ${call.client}`, client);
    if (accountMethods.has(call.method.path)) await limiter.take(`account ${call.client}`, account);
    if (call.userId !== undefined) await limiter.take(`user ${call.userId}`, user);
  };
}
