import type { Ambient, Log } from '../runtime/ports.js';

/** What keeps certificates from expiring. */
export interface CertificateUpkeepOptions {
  readonly ambient: Pick<Ambient, 'timers'>;
  readonly log: Log;
  /** Renews what is due; see {@link import('./development-ca.js').renewCertificates}. */
  renew(): Promise<readonly string[]>;
  /** Told of what people should know: one line. */
  tell(line: string): void;
}

const dayMs = 86_400_000;
const hourMs = 3_600_000;

/**
 * Renews certificates once a day for as long as a mesh runs; after a failure again in an hour. A leaf is renewed after two
 * thirds of its life, so there are ten days of failures before one expires.
 * @returns a function that ends it.
 */
export function keepCertificates(options: CertificateUpkeepOptions): () => void {
  const { ambient, log, renew, tell } = options;
  let ended = false;
  let cancel: () => void = () => undefined;
  const next = (delayMs: number) => {
    if (!ended) cancel = ambient.timers.after(delayMs, () => void look());
  };
  const look = async () => {
    try {
      const renewed = await renew();
      if (renewed.length > 0) log.info({ renewed }, 'certificates were renewed');
      next(dayMs);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      log.error({ problem }, 'certificates could not be renewed');
      tell(`certificates could not be renewed: ${problem}; it is tried again in an hour`);
      next(hourMs);
    }
  };
  next(dayMs);
  return () => {
    ended = true;
    cancel();
  };
}
