import type { Metadata } from '../../rpc/context.js';
import type { CallersCertified, CallersTold } from '../../rpc/grpc/server.js';
import type { Ambient, Log } from '../../runtime/ports.js';
import { type Environment, wordOf } from '../../runtime/setting.js';
import { StartupError } from '../../runtime/startup-error.js';
import { type FollowedIdentity, followIdentity } from '../../security/followed-identity.js';
import { callerByMesh, callerByName, callerHeader } from '../../security/told-caller.js';

/**
 * How services know each other, by WORKLOAD_IDENTITY:
 * - `certificates`: by certificates of our own, and mTLS; the default, and the only one where nothing else guards the ports.
 * - `mesh`: a mesh's proxy stands before every connection, speaks mTLS with the others, and tells who calls.
 *   WORKLOAD_PREFIX is what identities of the shop's services begin with there.
 * - `named`: callers name themselves, and the network alone decides who can connect.
 */
export const workloadIdentities = ['certificates', 'mesh', 'named'] as const;

/** How an instance shows who it is, and knows who calls. */
export interface InstanceIdentity {
  /** What it shows in handshakes; absent where its connections have no TLS of ours. */
  readonly shown: FollowedIdentity | undefined;
  /** For the server of its contracts. */
  readonly callers: CallersCertified | CallersTold;
  /** Sent with each call. */
  readonly metadata: Metadata;
  close(): void;
}

/** Who the instance is. */
export interface InstanceIdentityOptions {
  readonly service: string;
  readonly environment: Environment;
  /** Of certificates: `<data>/certificates`. */
  readonly folder: string;
  readonly ambient: Pick<Ambient, 'clock' | 'timers'>;
  readonly log: Log;
}

/** @throws StartupError for a wrong setting, or a certificate that is missing or does not hold. */
export function openInstanceIdentity(options: InstanceIdentityOptions): InstanceIdentity {
  const { service, environment } = options;
  const kind = wordOf(environment, 'WORKLOAD_IDENTITY', workloadIdentities, 'certificates');
  switch (kind) {
    case 'certificates': {
      const shown = followIdentity(options);
      return { shown, callers: { identity: shown }, metadata: {}, close: () => shown.close() };
    }
    case 'mesh':
      return untold({ callerOf: callerByMesh(prefixOf(environment)) }, {});
    case 'named':
      return untold({ callerOf: callerByName }, { [callerHeader]: service });
    default:
      return kind satisfies never;
  }
}

function untold(callers: CallersTold, metadata: Metadata): InstanceIdentity {
  return { shown: undefined, callers, metadata, close: () => undefined };
}

function prefixOf(environment: Environment): string {
  const prefix = environment['WORKLOAD_PREFIX'] ?? '';
  if (/^spiffe:\/\/[^/]+\/.+\/$/.test(prefix)) return prefix;
  throw new StartupError(
    `WORKLOAD_PREFIX is '${prefix}'`,
    'give what identities begin with, such as spiffe://cluster.local/ns/shop/sa/',
  );
}
