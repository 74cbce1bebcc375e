/** A group of targets as Prometheus' HTTP service discovery takes it. */
export interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

interface ServiceEntry {
  readonly ID?: unknown;
  readonly Service?: unknown;
  readonly Address?: unknown;
  readonly Tags?: unknown;
  readonly Meta?: Readonly<Record<string, unknown>>;
}

/**
 * The admin ports of everything that is registered in Consul with the tag `meshmart`, as
 * https://prometheus.io/docs/prometheus/latest/http_sd/ wants it. Prometheus has a Consul discovery of its own, but not
 * in every build (Debian's has none), and this one works in all. While Consul is away the last list stands.
 */
export function createScrapeTargets(
  consulUrl: string,
  fetch: typeof globalThis.fetch,
): () => Promise<readonly TargetGroup[]> {
  let last: readonly TargetGroup[] = [];
  return async () => {
    try {
      const answer = await fetch(`${consulUrl}/v1/agent/services`, { signal: AbortSignal.timeout(1_000) });
      if (!answer.ok) return last;
      last = Object.values((await answer.json()) as Record<string, ServiceEntry>).flatMap(groupOf);
    } catch {
      // Away: what was there is still there, as far as is known.
    }
    return last;
  };
}

function groupOf(entry: ServiceEntry): TargetGroup[] {
  const { ID, Service, Address, Tags, Meta = {} } = entry;
  const port = Number(Meta['admin_port']);
  const ours = Array.isArray(Tags) && Tags.includes('meshmart');
  if (!ours || !Number.isInteger(port) || port < 1 || port > 65_535) return [];
  const labels = { service: String(Service), instance: String(ID), version: String(Meta['version'] ?? '') };
  return [{ targets: [`${String(Address)}:${port}`], labels }];
}
