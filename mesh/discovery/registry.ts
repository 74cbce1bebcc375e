import type { SocketAddress } from './resolver.js';

/** One instance of a service, as others are to find it. */
export interface Registration {
  /** Folder name of the service. */
  readonly service: string;
  /** Unique among all instances of the mesh, and of one life of the process: `catalog-1.2`. */
  readonly instanceId: string;
  /** IP address that clients dial. */
  readonly address: string;
  readonly port: number;
  readonly tags?: readonly string[];
  /** `version`, `language`, `authority`, `contract_digest`, `admin_port`, `zone` and others; values of up to 512 characters. */
  readonly meta: Readonly<Record<string, string>>;
  /** Address that stands for all instances, where there is one. */
  readonly virtual?: SocketAddress | undefined;
}

/** How an instance is. Only those that pass are given to clients. */
export interface InstanceHealth {
  readonly serving: boolean;
  /** Why it does not serve. */
  readonly problem?: string | undefined;
}

/** A registration that is kept up. */
export interface Registered {
  /** Whether the registry knows the instance now, as far as can be told. */
  current(): boolean;
  /** Takes the instance out. Never fails; ends within some seconds also when the registry is away. Once is enough. */
  deregister(): Promise<void>;
}

/** Where instances make themselves known. */
export interface Registry {
  /**
   * Registers an instance and keeps the registration up until it is deregistered: an instance that ends without a word is
   * gone from the registry a moment later. The answer comes after the first attempt, also when that failed: the registry
   * may be away at any time, and the service goes on.
   * @param health asked again and again; what it throws counts as not serving.
   * @throws TypeError for a registration that no registry can take.
   */
  register(registration: Registration, health: () => InstanceHealth): Promise<Registered>;
  /** Takes out an instance that has died without doing so itself. Never fails, and ends within some seconds. */
  forget(instanceId: string): Promise<void>;
}
