import type { Policies } from '../contract/policy.js';
import { mayRepeat } from './repeatable.js';

/** A method by its names, as service configs have it. */
interface MethodName {
  service: string;
  method: string;
}

/**
 * The part of gRPC's service config (https://github.com/grpc/grpc/blob/master/doc/service_config.md) that we use, in the
 * shape that grpc-js takes. It has no timeouts: each call carries its own deadline. Who adds one must write it as
 * `{seconds, nanos}`: of a text such as "0.5s" grpc-js 1.14 makes 5 nanoseconds.
 */
export interface EdgeServiceConfig {
  /** Tried in order; the first that is registered is used. */
  loadBalancingConfig: Record<string, object>[];
  methodConfig: {
    name: MethodName[];
    retryPolicy: {
      maxAttempts: number;
      initialBackoff: string;
      maxBackoff: string;
      backoffMultiplier: number;
      retryableStatusCodes: string[];
    };
  }[];
  retryThrottling: { maxTokens: number; tokenRatio: number };
}

/** Name of our way of balancing, which mesh/balancing registers. */
export const roundRobinName = 'mesh_round_robin';

/** With three attempts at most: the SRE book's limit for one request (chapter 21). */
export const retryPolicy = Object.freeze({
  maxAttempts: 3,
  initialBackoff: '0.05s',
  maxBackoff: '0.5s',
  backoffMultiplier: 3,
  retryableStatusCodes: ['UNAVAILABLE'],
});

/**
 * A failed attempt takes a token, a success gives a tenth back, and there are retries only while the bucket is more than
 * half full (gRFC A6). So an outage costs at most a tenth more calls, after 200 that are granted: as many as may be in
 * flight on an instance that is killed.
 */
const retryThrottling = { maxTokens: 400, tokenRatio: 0.1 };

/**
 * How calls to one service are balanced and repeated. Only methods that say in the contract that it does no harm
 * (`idempotency_level`) are repeated, only when the callee was not there (UNAVAILABLE), and only until the first byte of
 * the answer: from then on grpc-js keeps to the attempt it has. Beside these, `grpcWire` repeats a call once whose answer
 * broke off; nothing else in the mesh repeats calls.
 * @param implemented full names of the services that the callee implements.
 * @param balancing options of `mesh_round_robin`.
 */
export function serviceConfigFor(
  implemented: readonly string[],
  policies: Policies,
  balancing: object = {},
): EdgeServiceConfig {
  const name = [...policies.values()]
    .filter((policy) => implemented.includes(policy.service) && mayRepeat(policy))
    .map(({ service, method }) => ({ service, method }));
  return {
    loadBalancingConfig: [{ [roundRobinName]: balancing }, { round_robin: {} }],
    methodConfig: name.length === 0 ? [] : [{ name, retryPolicy: { ...retryPolicy } }],
    retryThrottling: { ...retryThrottling },
  };
}
