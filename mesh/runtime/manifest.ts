/** A service as its `service.yaml` declares it: the single source for everything outside its code. */
export interface Manifest {
  /** Folder name, caller name and topic of the service. */
  readonly name: string;
  /** One line for people. */
  readonly summary: string;
  /** Full names of the proto services that it implements. */
  readonly implements: readonly string[];
  /** `optional`: nothing may break without it. */
  readonly criticality: 'required' | 'optional';
  /** Every edge: `meshmart.cart.v1.CartService/GetCart`. A call that is not here is refused. */
  readonly calls: readonly string[];
  /** Full proto names of the events that it publishes under its own name as topic. */
  readonly publishes: readonly string[];
  /** Topic to full proto names of the events that it wants. */
  readonly consumes: Readonly<Record<string, readonly string[]>>;
  readonly backends: readonly Backend[];
  readonly settings: Readonly<Record<string, SettingDeclaration>>;
  readonly secrets: Readonly<Record<string, SecretDeclaration>>;
  /** Language to how it starts. */
  readonly implementations: Readonly<Record<string, { readonly start: string }>>;
  readonly scale: { readonly min: number; readonly max: number };
  readonly resources: { readonly memoryMiB: number; readonly cpuMillis: number };
}

/**
 * What a service needs beside its calls. `redis` is the place of its documents, or of the edge's buckets, where there
 * are several processes; in one process documents are in the database and buckets in memory.
 */
export const backends = ['database', 'redis', 'bus', 'mail', 'card-processor'] as const;
export type Backend = (typeof backends)[number];

export interface SettingDeclaration {
  readonly default: string;
  /** One line for people. */
  readonly about: string;
  /** Environment variable; default `<SERVICE>_<SETTING>` in upper snake case. */
  readonly env?: string;
}

export interface SecretDeclaration {
  /** Length of the secret; one that is made anew gets this many random bytes. */
  readonly bytes: number;
  readonly about: string;
}

/** Whether a service keeps anything in a database; who consumes events does, since its inbox is there. */
export function keepsThings({ backends, consumes }: Pick<Manifest, 'backends' | 'consumes'>): boolean {
  return backends.includes('database') || Object.keys(consumes).length > 0;
}

/** The environment variable of a setting: `inventory` + `reservationSeconds` = `INVENTORY_RESERVATION_SECONDS`. */
export function environmentName(service: string, setting: string, declared: SettingDeclaration): string {
  if (declared.env !== undefined) return declared.env;
  return `${service}_${setting}`
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/-/g, '_')
    .toUpperCase();
}
