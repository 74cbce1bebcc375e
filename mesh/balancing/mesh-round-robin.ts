import { type ChannelOptions, connectivityState, experimental } from '@grpc/grpc-js';
import {
  createOutlierEjection,
  type EjectionChange,
  type OutlierEjection,
} from '../resilience/outlier-ejection.js';
import { roundRobinName } from '../resilience/retry-policy.js';
import type { Clock, Log, Random } from '../runtime/ports.js';
import { ejectingPicker, type Turn } from './ejecting-picker.js';
import { MeshRoundRobinConfig } from './round-robin-config.js';

/** What the balancers of a process work with. */
export interface BalancingPorts {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly random: Pick<Random, 'next'>;
  /** Hears of endpoints that are left out and come back. */
  readonly log: Log;
  /**
   * Told the same, for metrics.
   * @param callee authority of the channel, which is the folder name of the service; empty when it has none.
   */
  onChange?(change: EjectionChange, callee: string): void;
}

/**
 * Makes `mesh_round_robin` known to grpc-js: round robin over connected endpoints, without those that fail. Like the
 * resolver's scheme it is known to the whole process; registering again replaces the ports of channels opened later.
 *
 * How grpc-js 1.14 takes it (all of this is in its `experimental` part):
 * - A balancer makes a child for each endpoint and gives the channel a new picker whenever one of them changes.
 * - `onCallStarted` and `onCallEnded` of a pick are called for each attempt, retries too; interceptors are not.
 * - A config that `createFromJson` refuses is passed over in silence for the next in the list.
 * - Its own round robin lets calls wait after an empty list, and makes all children anew at each list; this one fails
 *   them, and keeps the children of endpoints that stay.
 */
export function registerMeshRoundRobin(ports: BalancingPorts): void {
  experimental.registerLoadBalancerType(
    roundRobinName,
    class extends MeshRoundRobin {
      constructor(channel: experimental.ChannelControlHelper) {
        super(channel, ports);
      }
    },
    MeshRoundRobinConfig,
  );
}

/** A class because grpc-js makes balancers with `new`. */
class MeshRoundRobin implements experimental.LoadBalancer {
  readonly #channel: experimental.ChannelControlHelper;
  readonly #childHelper: experimental.ChannelControlHelper;
  readonly #ports: BalancingPorts;
  readonly #turn: Turn;
  #children = new Map<string, experimental.LeafLoadBalancer>();
  #options: ChannelOptions = {};
  #config: MeshRoundRobinConfig | undefined;
  #ejection: OutlierEjection | undefined;
  #state = connectivityState.IDLE;
  #lastError = 'none';
  #paused = false;

  constructor(channel: experimental.ChannelControlHelper, ports: BalancingPorts) {
    this.#channel = channel;
    this.#ports = ports;
    // Clients that start together shall not all begin with the same endpoint.
    this.#turn = { next: Math.floor(ports.random.next() * 1_000) };
    this.#childHelper = experimental.createChildChannelControlHelper(channel, {
      updateState: (state, _picker, error) => {
        if (this.#state === connectivityState.READY && state !== connectivityState.READY)
          channel.requestReresolution();
        if (error !== null) this.#lastError = error;
        this.#update();
      },
    });
  }

  updateAddressList(
    list: experimental.StatusOr<experimental.Endpoint[]>,
    config: experimental.TypedLoadBalancingConfig,
    options: ChannelOptions,
    note: string,
  ): boolean {
    if (!(config instanceof MeshRoundRobinConfig)) return false;
    if (!list.ok) {
      // With endpoints at hand, an error of the resolver changes nothing.
      if (this.#children.size === 0) this.#fail(list.error.details);
      return true;
    }
    this.#configure(config);
    this.#replaceChildren(list.value, options, note);
    if (this.#children.size === 0) this.#fail(`there are no endpoints (${note})`);
    else this.#update();
    return true;
  }

  exitIdle(): void {
    for (const child of this.#children.values()) {
      if (child.getConnectivityState() === connectivityState.IDLE) child.exitIdle();
    }
  }

  resetBackoff(): void {
    // The connections have their own.
  }

  destroy(): void {
    this.#paused = true;
    for (const child of this.#children.values()) child.destroy();
    this.#children.clear();
  }

  getTypeName(): string {
    return roundRobinName;
  }

  #configure(config: MeshRoundRobinConfig): void {
    // The same numbers come with every list: what is known of the endpoints must outlive that.
    if (JSON.stringify(config.settings) === JSON.stringify(this.#config?.settings)) return;
    this.#config = config;
    this.#ejection = createOutlierEjection(this.#ports.clock, config.settings, (change) =>
      this.#tell(change),
    );
  }

  #tell(change: EjectionChange): void {
    const callee = String(this.#options['grpc.default_authority'] ?? '');
    this.#ports.onChange?.(change, callee);
    const { endpoint, forMs } = change;
    if (change.now === 'ejected')
      this.#ports.log.warn({ callee, endpoint, forMs }, 'an instance fails: it is left out');
    else if (change.now === 'returned')
      this.#ports.log.info({ callee, endpoint }, 'an instance gets a call again');
    else this.#ports.log.info({ callee, endpoint }, 'an instance is well again');
  }

  /** Keeps the children of endpoints that stay; new ones begin to connect before old ones let go. */
  #replaceChildren(endpoints: readonly experimental.Endpoint[], options: ChannelOptions, note: string): void {
    const before = this.#children;
    const keep = sameOptions(options, this.#options);
    this.#options = options;
    this.#children = new Map();
    // Children report while they begin: one update at the end is enough.
    this.#paused = true;
    for (const endpoint of endpoints) {
      const key = endpoint.addresses.map(experimental.subchannelAddressToString).join(',');
      const known = keep ? before.get(key) : undefined;
      if (known !== undefined) before.delete(key);
      const child = known ?? new experimental.LeafLoadBalancer(endpoint, this.#childHelper, options, note);
      this.#children.set(key, child);
      if (known === undefined) child.startConnecting();
    }
    for (const child of before.values()) child.destroy();
    this.#paused = false;
    this.#ejection?.retain([...this.#children.keys()]);
  }

  #update(): void {
    if (this.#paused) return;
    const children = [...this.#children];
    const withState = (state: connectivityState) =>
      children.filter(([, child]) => child.getConnectivityState() === state);
    const ready = withState(connectivityState.READY);
    if (ready.length > 0 && this.#ejection !== undefined) {
      const endpoints = ready.map(([key, child]) => ({ key, picker: child.getPicker() }));
      const picker = ejectingPicker(endpoints, this.#ejection, this.#turn, this.#ports.clock);
      this.#report(connectivityState.READY, picker);
    } else if (withState(connectivityState.CONNECTING).length > 0) {
      this.#report(connectivityState.CONNECTING, new experimental.QueuePicker(this));
    } else if (withState(connectivityState.TRANSIENT_FAILURE).length > 0) {
      this.#fail(`no endpoint can be reached (${this.#lastError})`);
    } else {
      this.#report(connectivityState.IDLE, new experimental.QueuePicker(this));
    }
    // All connections are kept up: one that is idle begins again.
    this.exitIdle();
  }

  #fail(details: string): void {
    this.#report(
      connectivityState.TRANSIENT_FAILURE,
      new experimental.UnavailablePicker({ details }),
      details,
    );
  }

  #report(state: connectivityState, picker: experimental.Picker, error: string | null = null): void {
    this.#state = state;
    this.#channel.updateState(state, picker, error);
  }
}

function sameOptions(one: ChannelOptions, other: ChannelOptions): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
