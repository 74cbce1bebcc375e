import type { Ambient, Log } from '../runtime/ports.js';
import { readIdentity, type WorkloadIdentity } from './workload-identity.js';

/** The identity of a process that lives longer than its certificates. */
export interface FollowedIdentity {
  /** The newest that is good. */
  current(): WorkloadIdentity;
  /** Calls `listener` with each newer one; returns a function that ends this. */
  onChange(listener: (identity: WorkloadIdentity) => void): () => void;
  /** Looks no longer. */
  close(): void;
}

/** Where an identity is, and how often to look. */
export interface FollowOptions {
  /** `<data>/certificates` */
  readonly folder: string;
  readonly service: string;
  readonly ambient: Pick<Ambient, 'clock' | 'timers'>;
  /** Hears of renewals, and of files that can't be used. */
  readonly log: Log;
  /** In milliseconds. Default 60000. */
  readonly everyMs?: number;
}

/**
 * Reads the identity of a service, and takes what comes after it. Files that do not fit together, as in the middle of a
 * renewal, change nothing: the next look will find them whole, and what there is still holds for days.
 * @throws StartupError as {@link readIdentity} does, for the first look.
 */
export function followIdentity(options: FollowOptions): FollowedIdentity {
  const { folder, service, ambient, log, everyMs = 60_000 } = options;
  const listeners = new Set<(identity: WorkloadIdentity) => void>();
  let current = readIdentity(folder, service, ambient.clock);
  let cancel: () => void = () => undefined;
  const look = () => {
    try {
      const found = readIdentity(folder, service, ambient.clock);
      if (found.certificatePem !== current.certificatePem || found.caPem !== current.caPem) {
        current = found;
        log.info({ service }, 'a renewed certificate is shown from now on');
        for (const listener of [...listeners]) listener(found);
      }
    } catch (error) {
      log.warn(
        { service, problem: String(error) },
        'the certificate can not be read again: it stays as it is',
      );
    }
    cancel = ambient.timers.after(everyMs, look);
  };
  cancel = ambient.timers.after(everyMs, look);
  return {
    current: () => current,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => cancel(),
  };
}
