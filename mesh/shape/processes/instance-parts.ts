import type { Dispatch } from '../../rpc/wire.js';
import type { HostedOptions, HostWorld } from '../../runtime/host.js';
import type { SchemaStep } from '../../store/schema-step.js';
import type { Backends } from './backends.js';
import type { InstanceOptions } from './instance.js';
import type { Neighbours } from './neighbours.js';

/** What an instance has built before it binds its service, or the edge, to its ports. */
export interface InstanceParts {
  readonly options: InstanceOptions;
  readonly world: HostWorld;
  readonly hostedOptions: (schema: readonly SchemaStep[]) => Promise<HostedOptions>;
  readonly neighbours: Neighbours;
  readonly backends: Backends;
  /** The same receiving end, with its edges remembered. */
  readonly watching: (dispatch: Dispatch) => Dispatch;
}
