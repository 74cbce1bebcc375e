/** A signal that follows others until it is let go. */
export interface OpenSignal {
  /** Aborted with the reason of whichever source is aborted first. */
  readonly signal: AbortSignal;
  /** Stops following. */
  end(): void;
}

/**
 * A signal that is aborted when one of several is. Unlike `AbortSignal.any` it can be let go, so that a source that
 * lives as long as the process does not collect what follows it.
 */
export function openSignal(sources: readonly AbortSignal[]): OpenSignal {
  const controller = new AbortController();
  const end = () => {
    for (const source of sources) source.removeEventListener('abort', onAbort);
  };
  const onAbort = () => {
    end();
    controller.abort(sources.find((source) => source.aborted)?.reason);
  };
  if (sources.some((source) => source.aborted)) onAbort();
  else for (const source of sources) source.addEventListener('abort', onAbort, { once: true });
  return { signal: controller.signal, end };
}
