import type { Delivery } from '../bus/bus.js';
import type { CallContext, User } from '../rpc/context.js';
import type { Client, Handlers, ServiceDefinition } from '../rpc/definition.js';
import type { Documents } from '../store/documents.js';
import type { Projection } from '../store/projection.js';
import type { SchemaStep } from '../store/schema-step.js';
import type { Store } from '../store/store.js';
import type { Tracer } from '../telemetry/tracer.js';
import type { IdSource } from './id.js';
import type { OutgoingHttp } from './outgoing-http.js';
import type { Ambient, Log } from './ports.js';

/** Everything that a service gets from the runtime. It has no other way to the world. */
export interface ServicePorts extends Ambient {
  readonly ids: IdSource;
  readonly log: Log;
  readonly tracer: Tracer;
  /** The service's own database, with its schema applied. */
  readonly store: Store;
  /** Versioned documents of the service, wherever the shape keeps them: in the store, or in Redis. */
  readonly documents: Documents;
  /**
   * A client for a service that the manifest's `calls:` names; the same one each time.
   * @throws Error at start when the manifest does not declare any call to it.
   */
  client<D extends ServiceDefinition>(definition: D): Client<D>;
  readonly background: Background;
  /** A setting of the manifest's `settings:`, as text; the environment wins over the manifest's default. */
  setting(name: string): string;
  /** A secret of the manifest's `secrets:`, read from its file. */
  secret(name: string): Uint8Array;
  /** HTTP to the outside: the card processor. */
  readonly http: OutgoingHttp;
  /** Verifies a user's or guest's token other than the call's own. @throws MeshError UNAUTHENTICATED. */
  verifyToken(token: string): Promise<User>;
  /** SMTP to the outside, where the manifest asks for it. */
  readonly mail: MailSender;
  /** Aborted when the process begins to stop. */
  readonly stopping: AbortSignal;
}

/**
 * Does work that no caller waits for: a saga step, a sweep, an event. Its context ends after `deadlineMs` or when the
 * process begins to stop; what it comes to is what the work comes to.
 */
export type Background = <T>(
  options: BackgroundOptions,
  work: (context: CallContext) => Promise<T>,
) => Promise<T>;

/** See {@link Background}. */
export interface BackgroundOptions {
  /** How long the work may take, in milliseconds from now. */
  readonly deadlineMs: number;
  /** The trace it continues; without one it starts a new trace. */
  readonly traceparent?: string | undefined;
  readonly priority?: CallContext['priority'];
}

/** Sends one mail. */
export interface MailSender {
  /** Resolves when the mail server has taken the message. @throws MeshError UNAVAILABLE when it has not. */
  send(mail: Mail): Promise<void>;
}

export interface Mail {
  /** The same id each time the same mail is sent, so that a second delivery can be told. */
  readonly messageId: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** Handles an event. Its effect commits with the inbox row `{consumer: <service>, messageId: delivery.id}`. */
export type EventHandler = (delivery: Delivery, context: CallContext) => Promise<void>;

/** Work that repeats: a sweep, a reconciler. Never runs twice at once. */
export interface Worker {
  readonly name: string;
  /** Pause between the end of one run and the start of the next, in milliseconds. */
  readonly everyMs: number;
  /** Limit of one run. Default 10000. */
  readonly deadlineMs?: number;
  run(context: CallContext): Promise<void>;
}

/** What a service is once it is built: plain functions that the runtime binds to the wire, the bus and the timers. */
export interface ServiceParts {
  readonly contracts: readonly BoundContract[];
  /** Event handlers by full proto name; each must be declared under `consumes:` in the manifest. */
  readonly events?: Readonly<Record<string, EventHandler>>;
  readonly workers?: readonly Worker[];
  /** Runs before the first call is taken (seeding, recovery); may be slow. Runs again when what it needs was away (UNAVAILABLE). */
  start?(): Promise<void>;
  /** Rejects when the service can't do its work for a reason that its own store and its declared calls don't show. */
  check?(): Promise<void>;
  /** Runs after the last call has ended and before the store closes. */
  stop?(): Promise<void>;
}

/** A contract with the handlers that implement it. */
export interface BoundContract {
  readonly definition: ServiceDefinition;
  readonly handlers: Readonly<Record<string, unknown>>;
}

/** Binds handlers to their contract, checked by the compiler. */
export function implement<D extends ServiceDefinition>(definition: D, handlers: Handlers<D>): BoundContract {
  return { definition, handlers };
}

/** A service: its schema and the function that builds it. Exported as `service` by `services/<name>/service.ts`. */
export interface Service {
  /**
   * SQL steps that bring an empty database to today's shape, applied once each, in order. A released step never
   * changes; a new one is added.
   */
  readonly schema: readonly SchemaStep[];
  /** Tables that its events make, for `meshmart replay`. */
  readonly projections?: readonly Projection[];
  build(ports: ServicePorts): ServiceParts | Promise<ServiceParts>;
}
