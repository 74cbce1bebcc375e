import type { MethodPolicy } from '../../mesh/contract/policy.js';
import type { EdgePorts } from '../../mesh/runtime/edge.js';
import { StartupError } from '../../mesh/runtime/startup-error.js';
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
  const number = (name: string, variable: string, least: number) => {
    const text = ports.setting(name).trim();
    const value = text === '' ? Number.NaN : Number(text);
    if (value >= least && value <= most) return value;
    throw new StartupError(`${variable} is '${text}'`, `give a number from ${least} to ${most}`);
  };
  const client = {
    tokensPerSecond: number('clientRequestsPerSecond', 'GATEWAY_CLIENT_REQUESTS_PER_SECOND', 0.001),
    burst: number('clientBurst', 'GATEWAY_CLIENT_BURST', 1),
  };
  const user = {
    tokensPerSecond: number('userRequestsPerSecond', 'GATEWAY_USER_REQUESTS_PER_SECOND', 0.001),
    burst: number('userBurst', 'GATEWAY_USER_BURST', 1),
  };
  const perMinute = number('loginsPerMinute', 'GATEWAY_LOGINS_PER_MINUTE', 1);
  const account = { tokensPerSecond: perMinute / 60, burst: perMinute };
  return async (call) => {
    await limiter.take(`client ${call.client}`, client);
    if (accountMethods.has(call.method.path)) await limiter.take(`account ${call.client}`, account);
    if (call.userId !== undefined) await limiter.take(`user ${call.userId}`, user);
  };
}
