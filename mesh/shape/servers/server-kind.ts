import type { Environment } from '../../runtime/setting.js';
import { StartupError } from '../../runtime/startup-error.js';

/** A server that the shop as processes needs beside it, described without doing anything. */
export interface ServerKind {
  /** As `meshmart status` shows it, and the name of its folder in the data folder. */
  readonly name: 'consul' | 'redis' | 'jaeger' | 'prometheus' | 'rabbitmq' | 'kafka';
  /** Programs that can be it, the best first; searched on PATH. */
  readonly programs: readonly string[];
  /** How to get it, in one line. */
  readonly ways: string;
  /** The variable that names one that runs already. */
  readonly addressVariable: string;
  /** A variable that says that what it is for happens elsewhere: then none is started. */
  readonly elsewhere?: string;
  /** Ports that it listens on, each with the variable that moves it. */
  readonly ports: readonly PortSetting[];
  /** How to start it. */
  launch(place: ServerPlace): ServerLaunch;
  /** URL of one that runs already, from its {@link addressVariable}. @throws StartupError for what is not one. */
  urlOf(address: string): string;
  /** Longest time until it is ready, in milliseconds, on a machine that is busy with starting everything. Default 15000. */
  readonly readyWithinMs?: number;
  /** Whether the one at a URL is ready. Rejects, or resolves with false, when it is not. */
  ready(url: string, signal: AbortSignal): Promise<boolean>;
  /** What the instances are told of it. */
  environment(url: string, ports: PortsOf): Readonly<Record<string, string>>;
}

export interface PortSetting {
  readonly variable: string;
  readonly usual: number;
  /** Further ports, as distances from this one. */
  readonly besides?: readonly number[];
}

/** The port that a variable stands for. */
export type PortsOf = (variable: string) => number;

/** Where a server keeps its things and listens. */
export interface ServerPlace {
  /** A folder of its own, for its configuration; absolute. */
  readonly folder: string;
  /** Where it keeps what must survive; absolute. */
  readonly data: string;
  readonly port: PortsOf;
  /** Addresses of the servers before it in the list. */
  readonly environment: Environment;
  /** For Redis: the text of its file of users, where the shop made their passwords. */
  readonly redisUsers?: string | undefined;
}

export interface ServerLaunch {
  readonly args: readonly string[];
  /** Variables that it reads, beside PATH and HOME. */
  readonly environment?: Readonly<Record<string, string>>;
  /**
   * Text for `sh` that prepares what it needs and ends with `exec "$0" "$@"`, which starts it. What else it leaves running
   * is in the same process group, and ends with it.
   */
  readonly script?: string;
  /** Configuration: file name in the folder to text. */
  readonly files: Readonly<Record<string, string>>;
  readonly url: string;
}

/** Everything listens on loopback, and nowhere else. */
export const loopback = '127.0.0.1';

/**
 * Reads an address of a server that speaks HTTP.
 * @returns it without a slash at its end.
 * @throws StartupError for what is not one.
 */
export function httpUrlOf(variable: string, address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url !== undefined && ['http:', 'https:'].includes(url.protocol)) return url.href.replace(/\/$/, '');
  throw new StartupError(`${variable} is '${address}'`, 'give a URL such as http://127.0.0.1:9090');
}

/** Asks over HTTP. */
export async function answersOk(url: string, signal: AbortSignal): Promise<boolean> {
  const answer = await fetch(url, { signal });
  await answer.arrayBuffer();
  return answer.ok;
}
