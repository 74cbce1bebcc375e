import type { Dispatch } from '../../rpc/wire.js';
import type { HostedOptions, HostWorld } from '../../runtime/host.js';
import type { Manifest } from '../../runtime/manifest.js';
import type { Environment } from '../../runtime/setting.js';
import type { SchemaStep } from '../../store/schema-step.js';
import type { LoadedShop } from '../loaded-shop.js';
import type { Backends } from './backends.js';
import type { InstanceAddresses } from './channel.js';
import type { InstancePlace } from './instance-place.js';
import type { Neighbours } from './neighbours.js';

/** What one instance is started with. */
export interface InstanceOptions {
  readonly shop: LoadedShop;
  readonly manifest: Manifest;
  /** Unique among all processes of the mesh, such as `catalog-1.2`. */
  readonly id: string;
  readonly dataFolder: string;
  readonly environment: Environment;
}

/** What an instance has built before it binds its service, or the edge, to its ports. */
export interface InstanceParts {
  readonly options: InstanceOptions;
  readonly place: InstancePlace;
  readonly world: HostWorld;
  readonly hostedOptions: (schema: readonly SchemaStep[]) => Promise<HostedOptions>;
  readonly neighbours: Neighbours;
  readonly backends: Backends;
  /** The same receiving end, with its edges remembered. */
  readonly watching: (dispatch: Dispatch) => Dispatch;
}

/** What is bound to the ports of this process: a service's contracts, or the edge. */
export interface Binding {
  readonly addresses: Omit<InstanceAddresses, 'adminUrl'>;
  /** Rejects with the reason why it can't do its work. */
  readonly health: () => Promise<{ readonly serving: boolean; readonly problem: string | undefined }>;
  /** Begins consuming events and running workers. */
  begin(): Promise<void>;
  /** Takes no more calls, lets those in flight end. */
  drain(graceMs: number): Promise<void>;
  /** Ends background work and closes what the service keeps. */
  close(): Promise<void>;
}
