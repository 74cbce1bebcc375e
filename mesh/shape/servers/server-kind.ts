import type { Environment } from '../../runtime/setting.js';
import { StartupError } from '../../runtime/startup-error.js';

/** A server that the shop as processes needs beside it, described without doing anything. */
export interface ServerKind {
  /** As `meshmart status` shows it, and the name of its folder in the data folder. */
  readonly name: 'consul' | 'redis' | 'postgres' | 'jaeger' | 'prometheus' | 'rabbitmq' | 'kafka';
  /** It is started only where this was chosen, such as the store `postgres` or the bus `kafka`. Absent: always. */
  readonly choice?: string;
  /** Programs that can be it, the best first; searched on PATH. */
  readonly programs: readonly string[];
  /** Programs that it needs as well. */
  readonly helpers?: readonly string[];
  /** Folders that are searched after PATH. */
  folders?(): readonly string[];
  /** How to get it, in one line. */
  readonly ways: string;
  /** The variable that names one that runs already. */
  readonly addressVariable: string;
  /** A variable that says that what it is for happens elsewhere: then none is started. */
  readonly elsewhere?: string;
  /** Ports that it listens on, each with the variable that moves it. */
  readonly ports: readonly PortSetting[];
  /** It refuses to run as the superuser: then it runs as the system's user of this name. */
  readonly user?: string;
  /** What must be done before it can start, such as making its data folder. @throws StartupError when that fails. */
  prepare?(place: PreparedPlace): Promise<void>;
  /** How it is asked to end. Default SIGTERM. */
  readonly endSignal?: NodeJS.Signals;
  /** How it is ended at once, where it has processes of its own that it must end too. Default SIGKILL. */
  readonly endAtOnceSignal?: NodeJS.Signals;
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
  /** The system that it runs on. */
  readonly platform: NodeJS.Platform;
  /** Addresses of the servers before it in the list. */
  readonly environment: Environment;
  /** For Redis: the text of its file of users, where the shop made their passwords. */
  readonly redisUsers?: string | undefined;
}

/** What a server's data folder is made with. */
export interface PreparedPlace {
  readonly data: string;
  /** Absolute paths of the {@link ServerKind.helpers}, by name. */
  readonly helpers: Readonly<Record<string, string>>;
  /** Who it runs as, where that is not the user of this process. */
  readonly runAs: RunAs | undefined;
  /** Where the mesh keeps its secrets. */
  readonly secrets: string;
}

/** Ids of a user of the system. */
export interface RunAs {
  readonly uid: number;
  readonly gid: number;
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
