/** The value of a label that stands for all others, as OpenTelemetry names it. */
export const otherLabel = '_OTHER';

/**
 * Keeps a label from growing without bound: the first `limit` different values pass, every later one becomes
 * {@link otherLabel}. Each value of a label is a time series that lives as long as the process, so a value that a client
 * chooses must not make one.
 * @param limit most different values; default 200.
 */
export function boundedLabel(limit = 200): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= limit) return otherLabel;
    known.add(value);
    return value;
  };
}
