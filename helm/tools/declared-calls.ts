import type { Manifest } from '../../mesh/runtime/manifest.js';
import type { LoadedShop } from '../../mesh/shape/loaded-shop.js';
import { usesServer } from './server-users.js';

/** One service at an end of declared calls: the other end to the paths. */
export type Calls = ReadonlyMap<string, readonly string[]>;

/** Whom a service calls, as its manifest says. */
export function calleesOf({ calls }: Manifest, { owners }: LoadedShop): Calls {
  const callees = new Map<string, string[]>();
  for (const call of calls) {
    const callee = owners.get(call.split('/')[0] ?? '') ?? '';
    callees.set(callee, [...(callees.get(callee) ?? []), `/${call}`]);
  }
  return callees;
}

/** Who calls a service, as the manifests of the others say. */
export function callersOf({ name }: Manifest, shop: LoadedShop): Calls {
  return new Map(
    shop.manifests
      .map((caller) => [caller.name, calleesOf(caller, shop).get(name) ?? []] as const)
      .filter(([, paths]) => paths.length > 0),
  );
}

/** Who connects to a server of the release: services, the Job that makes databases, and tests that look at what others left there. */
export function clientsOf(server: string, tests: boolean, { manifests }: LoadedShop): string[] {
  const services = manifests.filter((manifest) => usesServer(manifest, server)).map(({ name }) => name);
  if (server === 'postgres') services.push('databases');
  if (tests && (server === 'consul' || server === 'mail-sink')) services.push('shop-tests');
  return services;
}

/** The one without a contract, who calls for people and asks for everybody's health. */
export const isEdge = (manifest: Manifest): boolean => manifest.implements.length === 0;

/** The ports of a server that clients may use: of the mail server also that by which its mail is read. */
export const portsOf = (server: string, port: number): number[] =>
  server === 'mail-sink' ? [port, 8025] : [port];
