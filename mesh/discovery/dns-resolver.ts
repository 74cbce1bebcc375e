import { addressProblem } from './endpoint.js';
import { type ListSink, type ResolverOptions, resolverOf } from './list-source.js';
import type { Endpoint, Resolver } from './resolver.js';

/** The look-ups that are needed; `node:dns/promises` has them. */
export interface DnsLookups {
  resolve4(name: string): Promise<string[]>;
  resolve6(name: string): Promise<string[]>;
  resolveSrv(name: string): Promise<{ readonly name: string; readonly port: number }[]>;
}

/** What is looked up for a service: addresses with a known port, or SRV records (RFC 2782), which bring the ports. */
export type DnsName =
  | { readonly kind: 'address'; readonly name: string; readonly port: number }
  | { readonly kind: 'srv'; readonly name: string };

export interface DnsResolverOptions extends ResolverOptions {
  readonly dns: DnsLookups;
  /** Such as `catalog.shop.svc.cluster.local` or `_grpc._tcp.catalog.shop.svc.cluster.local`. */
  nameOf(service: string): DnsName;
  /** Pause between two look-ups, in milliseconds. Default 5000. */
  readonly everyMs?: number;
  /** Longest look-up, in milliseconds. Default 2000. */
  readonly withinMs?: number;
}

/** More records than this are not taken for true. */
const maxRecords = 1_000;

/** Codes by which a name server says that there is nothing of that name: an answer, unlike a failure. */
const nothingThere = new Set(['ENOTFOUND', 'ENODATA']);

/** Follows services by DNS, asking again and again: DNS does not tell of changes. Instance ids are the addresses. */
export function createDnsResolver(options: DnsResolverOptions): Resolver {
  const { ambient, everyMs = 5_000 } = options;
  return resolverOf((service, sink) => {
    const stopping = new AbortController();
    void (async () => {
      while (!stopping.signal.aborted) {
        await askOnce(service, sink, stopping.signal, options);
        await ambient.timers.sleep(everyMs, stopping.signal).catch(() => undefined);
      }
    })();
    return () => stopping.abort();
  }, options);
}

async function askOnce(
  service: string,
  sink: ListSink,
  signal: AbortSignal,
  options: DnsResolverOptions,
): Promise<void> {
  const { ambient, log, withinMs = 2_000 } = options;
  const ended = new AbortController();
  try {
    const tooLong = ambient.timers
      .sleep(withinMs, AbortSignal.any([signal, ended.signal]))
      .then(() => Promise.reject(new Error(`no answer within ${withinMs} ms`)));
    const endpoints = await Promise.race([lookUp(options.nameOf(service), options.dns), tooLong]);
    if (signal.aborted) return;
    const good = endpoints.filter((endpoint) => {
      const problem = addressProblem(endpoint);
      if (problem !== undefined)
        log.warn({ service, instance: endpoint.instanceId, problem }, 'an instance was left out');
      return problem === undefined;
    });
    sink.heard(good);
  } catch (error) {
    if (!signal.aborted) sink.away(error instanceof Error ? error.message : 'it failed');
  } finally {
    ended.abort();
  }
}

async function lookUp(name: DnsName, dns: DnsLookups): Promise<Endpoint[]> {
  if (name.kind === 'address') return endpointsAt(await addressesOf(name.name, dns), name.port);
  const records = (await orNothing(dns.resolveSrv(name.name))).filter((record) => record.name !== '.');
  bounded(records);
  const found = await Promise.all(
    records.map(async (record) => endpointsAt(await addressesOf(record.name, dns), record.port)),
  );
  return bounded(found.flat());
}

/** Both kinds are asked for: a failure of one is none while the other answers. */
async function addressesOf(name: string, dns: DnsLookups): Promise<string[]> {
  const answers = await Promise.allSettled([orNothing(dns.resolve4(name)), orNothing(dns.resolve6(name))]);
  const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  const failed = answers.find((answer) => answer.status === 'rejected');
  if (addresses.length === 0 && failed !== undefined) throw failed.reason;
  return bounded(addresses);
}

function endpointsAt(addresses: readonly string[], port: number): Endpoint[] {
  return addresses.map((address) => ({
    instanceId: address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
    address,
    port,
    version: '',
  }));
}

async function orNothing<T>(lookup: Promise<T[]>): Promise<T[]> {
  try {
    return await lookup;
  } catch (error) {
    if (nothingThere.has((error as NodeJS.ErrnoException)?.code ?? '')) return [];
    throw error;
  }
}

function bounded<T>(records: T[]): T[] {
  if (records.length > maxRecords) throw new Error(`more than ${maxRecords} records`);
  return records;
}
