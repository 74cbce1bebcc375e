import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type EdgeWeather, edgeWeather, type FeltWeather } from './edge-weather.js';
import { type FaultProxy, openFaultProxy } from './fault-proxy.js';

/** An edge of the mesh: who calls whom. */
export interface Edge {
  readonly caller: string;
  readonly callee: string;
}

/** All fault proxies of a mesh, one for each caller and each address of its callees, in the weather of their edge. */
export interface Switchboard {
  /** Where instances ask for their detours: see FAULT_PROXY_URL in mesh/discovery/detour.ts. */
  readonly url: string;
  /** The weather of an edge, which may have no connection yet. */
  weather(edge: Edge): EdgeWeather;
  /** A proxy for a server that is found by a setting: the edge of all its callers. @returns its port. */
  lead(edge: Edge, upstream: { readonly address: string; readonly port: number }): Promise<number>;
  /** Edges that have been asked for. */
  edges(): readonly Edge[];
  heal(): void;
  close(): Promise<void>;
}

/** Opens a switchboard on loopback. @param chance a number in [0, 1), for the jitter. */
export async function openSwitchboard(chance: () => number): Promise<Switchboard> {
  const weathers = new Map<string, FeltWeather>();
  const edges = new Map<string, Edge>();
  const proxies = new Map<string, Promise<FaultProxy>>();
  const nameOf = ({ caller, callee }: Edge) => `${caller} ${callee}`;
  const weatherOf = (edge: Edge) => {
    const name = nameOf(edge);
    const found = weathers.get(name) ?? edgeWeather(chance);
    weathers.set(name, found);
    return found;
  };
  const proxyOf = (edge: Edge, upstream: { readonly address: string; readonly port: number }) => {
    const name = `${nameOf(edge)} ${upstream.address} ${upstream.port}`;
    const found = proxies.get(name) ?? openFaultProxy({ upstream, weather: weatherOf(edge) });
    proxies.set(name, found);
    found.then(
      () => edges.set(nameOf(edge), edge),
      () => proxies.delete(name),
    );
    return found;
  };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://switchboard');
    const [caller, callee, address] = ['caller', 'callee', 'address'].map((name) =>
      url.searchParams.get(name),
    );
    const port = Number(url.searchParams.get('port'));
    if (url.pathname !== '/edge' || !caller || !callee || !address || !Number.isInteger(port)) {
      response.writeHead(400).end('ask /edge?caller=&callee=&address=&port=\n');
      return;
    }
    const proxy = await proxyOf({ caller, callee }, { address, port });
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ address: proxy.address, port: proxy.port }));
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(400).end(`${String(error)}\n`));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    weather: weatherOf,
    lead: async (edge, upstream) => (await proxyOf(edge, upstream)).port,
    edges: () => [...edges.values()],
    heal: () => {
      for (const weather of weathers.values()) weather.heal();
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await Promise.all([...proxies.values()].map(async (proxy) => (await proxy).close()));
    },
  };
}
