import type { MethodPolicy } from '../../mesh/contract/policy.js';
import type { EdgePorts } from '../../mesh/runtime/edge.js';
import { numberSettings } from '../../mesh/runtime/number-setting.js';
import type { RateLimiter } from './rate-limiter.js';

/** Checks one call against all limits that it falls under. @throws MeshError RESOURCE_EXHAUSTED (RATE_LIMITED). */
export type CheckLimits = (call: {
  readonly client: string;
  readonly userId: string | undefined;
  readonly method: MethodPolicy;
}) => Promise<void>;

/** Most that a setting may be: beyond it a limit limits nothing. */
const most = 1_000_000;

/** Methods that cost a password hash, or make accounts: they have a bucket of their own. */
const accountMethods = new Set([
  '/meshmart.users.v1.UsersService/Register',
  '/meshmart.users.v1.UsersService/Authenticate',
]);

/**
 * The limits by client address and by user that the manifest's settings ask for.
 * @throws StartupError for a setting that is not a number, or not one that lets anybody in.
 */
export function createLimits(ports: EdgePorts, limiter: RateLimiter): CheckLimits {
  const number = numberSettings('gateway', ports.setting);
  const client = {
    tokensPerSecond: number('clientRequestsPerSecond', { least: 0.001, most }),
    burst: number('clientBurst', { least: 1, most }),
  };
  const user = {
    tokensPerSecond: number('userRequestsPerSecond', { least: 0.001, most }),
    burst: number('userBurst', { least: 1, most }),
  };
  const perMinute = number('loginsPerMinute', { least: 1, most });
  const account = { tokensPerSecond: perMinute / 60, burst: perMinute };
  return async (call) => {
    await limiter.take(`client ${call.client}`, client);
    if (accountMethods.has(call.method.path)) await limiter.take(`account ${call.client}`, account);
    if (call.userId !== undefined) await limiter.take(`user ${call.userId}`, user);
  };
}
