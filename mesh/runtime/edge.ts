import type { Contract } from '../contract/image.js';
import type { MethodPolicy } from '../contract/policy.js';
import type { Dispatch, WireTo } from '../rpc/wire.js';
import type { Buckets } from '../store/buckets.js';
import type { SchemaStep } from '../store/schema-step.js';
import type { ServicePorts } from './service.js';

/** What the one service at the edge gets beyond what every service gets. */
export interface EdgePorts extends ServicePorts {
  /** All contracts: descriptors, for JSON and for the API description. */
  readonly contract: Contract;
  /** Policies of all methods by path, `/meshmart.cart.v1.CartService/GetCart`. */
  readonly policies: ReadonlyMap<string, MethodPolicy>;
  /** The service folder that implements a proto service (`meshmart.cart.v1.CartService` to `cart`), if any runs. */
  ownerOf(protoService: string): string | undefined;
  /** The wire to a service, with `gateway` as the caller. Its errors are MeshErrors. */
  readonly wireTo: WireTo;
  /** Where the REST port listens. Port 0 means any free port. */
  readonly listen: { readonly host: string; readonly httpPort: number };
  /** Token buckets that all edges share; absent where there is one edge, or no place to share them in. */
  readonly buckets?: Buckets | undefined;
  /** A request has begun (1) or ended (-1). Not told of streams, which mostly wait. */
  httpInFlight(delta: 1 | -1): void;
  /** Notes one HTTP request. `route` is the route's template, so that there are few. */
  observeHttp(method: string, route: string, status: number, seconds: number): void;
  /** Whether a purchase would work now, and how each service is. */
  readiness(): Promise<Readiness>;
  /** What runs and where, for the page at `/`. */
  overview(): Overview;
}

export interface Readiness {
  readonly ready: boolean;
  readonly services: readonly ServiceHealth[];
}

export interface ServiceHealth {
  readonly name: string;
  readonly serving: boolean;
  /** `optional` services don't count for {@link Readiness.ready}. */
  readonly criticality: 'required' | 'optional';
  /** Why it is not serving; for people, without secrets. */
  readonly problem: string | undefined;
}

/** Addresses and names of everything that runs. An absent address means that it does not run or is not known. */
export interface Overview {
  readonly version: string;
  readonly shape: 'one-process' | 'processes' | 'cluster';
  readonly startedAtMs: number;
  readonly grpcAddress: string | undefined;
  readonly adminUrl: string | undefined;
  readonly cardProcessorUrl: string | undefined;
  readonly mailSinkUrl: string | undefined;
  readonly services: readonly {
    readonly name: string;
    readonly summary: string;
    readonly implements: readonly string[];
  }[];
}

/** The edge once it is built. */
export interface EdgeParts {
  /** Answers the calls that come in at the gRPC front port; the runtime listens and calls it with caller `outside`. */
  readonly front: Dispatch;
  /** Starts taking HTTP. @throws StartupError when the port is taken. */
  listen(): Promise<{ readonly httpUrl: string }>;
  /** Takes no more requests, lets those in flight end for at most `graceMs`, then cuts them. */
  drain(graceMs: number): Promise<void>;
}

/** Exported as `edge` by `services/gateway/service.ts`. */
export interface EdgeService {
  readonly schema: readonly SchemaStep[];
  build(ports: EdgePorts): EdgeParts | Promise<EdgeParts>;
}
