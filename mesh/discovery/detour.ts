import type { OutgoingHttp } from '../runtime/outgoing-http.js';
import type { Log, Timers } from '../runtime/ports.js';
import { StartupError } from '../runtime/startup-error.js';
import { sameEndpoints } from './endpoint.js';
import type { Endpoint, Resolver, SocketAddress } from './resolver.js';

/** Tells where to dial instead of an endpoint of a callee. May fail; it is asked again. */
export type Detour = (callee: string, endpoint: SocketAddress) => Promise<SocketAddress>;

/** What a {@link detouredResolver} works with. */
export interface DetourOptions {
  readonly detour: Detour;
  readonly timers: Pick<Timers, 'after'>;
  readonly log: Log;
}

/** Pause before a detour that could not be had is asked for again, in milliseconds. */
const askAgainMs = 100;

/**
 * A resolver that hands out other addresses than the ones it hears of: those of a fault proxy, which stands between a
 * caller and each of its callees in tests. The names of callees stay, and with them authority and certificates, since
 * both come from the contract and not from the address. Keeps what {@link Resolver} promises; a list is told when the
 * detours of all its endpoints are known. For tests: a shop is never started with it unless FAULT_PROXY_URL says so.
 */
export function detouredResolver(resolver: Resolver, options: DetourOptions): Resolver {
  const { detour, timers, log } = options;
  const known = new Map<string, SocketAddress>();
  let closed = false;
  const around = async (callee: string, endpoint: Endpoint): Promise<Endpoint> => {
    const { virtual: _, ...own } = endpoint;
    const place = `${callee} ${endpoint.address} ${endpoint.port}`;
    const found = known.get(place) ?? (await detour(callee, endpoint));
    known.set(place, found);
    return { ...own, address: found.address, port: found.port };
  };
  return {
    watch: (service, listener) => {
      let latest: readonly Endpoint[] | undefined;
      let told: readonly Endpoint[] | undefined;
      let cancel = () => {};
      const tell = (endpoints: readonly Endpoint[]) => {
        latest = endpoints;
        cancel();
        Promise.all(endpoints.map((endpoint) => around(service, endpoint))).then(
          (detoured) => {
            // Back to what was told before, while the detours of another list were still unknown.
            if (closed || latest !== endpoints || (told && sameEndpoints(told, detoured))) return;
            told = detoured;
            try {
              listener(detoured);
            } catch (error) {
              log.error({ service, error: String(error) }, 'a listener for endpoints failed');
            }
          },
          (error: unknown) => {
            if (closed || latest !== endpoints) return;
            log.warn({ service, problem: String(error) }, 'a detour could not be had: it is asked for again');
            cancel = timers.after(askAgainMs, () => tell(endpoints));
          },
        );
      };
      const stop = resolver.watch(service, tell);
      return () => {
        latest = undefined;
        cancel();
        stop();
      };
    },
    close: () => {
      closed = true;
      resolver.close();
    },
  };
}

/**
 * Detours by a switchboard of fault proxies on this machine: it is asked by HTTP for each edge, `GET
 * /edge?caller=order&callee=payment&address=127.0.0.1&port=40001`, and answers `{"address": "127.0.0.1", "port": 41001}`.
 * @param url FAULT_PROXY_URL. @throws StartupError when it is not on this machine's loopback interface.
 */
export function switchboardDetour(url: string, caller: string, http: OutgoingHttp): Detour {
  if (!/^http:\/\/(127\.0\.0\.1|\[::1\]):\d{1,5}\/?$/.test(url)) {
    throw new StartupError(
      `FAULT_PROXY_URL is '${url}'`,
      'it is for tests: give http://127.0.0.1 with a port, or leave it empty',
    );
  }
  return async (callee, { address, port }) => {
    const query = new URLSearchParams({ caller, callee, address, port: String(port) });
    const { status, body } = await http({
      method: 'GET',
      url: new URL(`/edge?${query}`, url),
      headers: {},
      signal: AbortSignal.timeout(2_000),
    });
    if (status !== 200) throw new Error(`the switchboard answers ${status}`);
    return JSON.parse(body) as SocketAddress;
  };
}
