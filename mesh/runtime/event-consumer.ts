import type { Bus } from '../bus/bus.js';
import { MeshError } from '../contract/error.js';
import type { Metrics } from '../telemetry/metrics.js';
import { parseTraceparent } from '../telemetry/trace-context.js';
import type { Manifest } from './manifest.js';
import type { EventHandler, ServicePorts } from './service.js';

/** What a service's event handlers need around them. */
export interface EventConsumerOptions {
  readonly manifest: Manifest;
  readonly events: Readonly<Record<string, EventHandler>>;
  readonly bus: Bus;
  readonly ports: ServicePorts;
  readonly metrics: Metrics;
}

/** How long one event may take to handle. */
const handleWithinMs = 10_000;

/**
 * Subscribes a service to the events of its manifest. Each delivery gets a consumer span in the producer's trace, linked
 * to the producer's span. Returns the function that unsubscribes and waits for handlers in flight.
 */
export function subscribeEvents(options: EventConsumerOptions): Promise<() => Promise<void>> {
  const { manifest, events, bus, ports, metrics } = options;
  return bus.subscribe({
    group: manifest.name,
    topics: manifest.consumes,
    handle: (delivery) =>
      ports.background({ deadlineMs: handleWithinMs, traceparent: delivery.traceparent }, async (context) => {
        const handler = events[delivery.type];
        if (handler === undefined) throw new Error(`${manifest.name} has no handler for ${delivery.type}`);
        const producer = parseTraceparent(delivery.traceparent);
        const span = ports.tracer.start({
          name: `process ${delivery.topic}`,
          kind: 'consumer',
          parent: context.trace,
          links: producer === undefined ? [] : [producer],
          attributes: {
            'messaging.system': 'meshmart',
            'messaging.operation.name': 'process',
            'messaging.destination.name': delivery.topic,
            'messaging.message.id': delivery.id,
            'meshmart.event.type': delivery.type,
          },
        });
        const startedMs = ports.clock.monotonicMs();
        const done = (failure: unknown) => {
          const errorType = failure === undefined ? undefined : MeshError.from(failure).reason;
          span.end(errorType);
          metrics.observeMessage({
            service: manifest.name,
            topic: delivery.topic,
            seconds: (ports.clock.monotonicMs() - startedMs) / 1_000,
            error: errorType,
          });
        };
        try {
          await handler(delivery, { ...context, trace: span.context });
          done(undefined);
        } catch (error) {
          done(error);
          throw error;
        }
      }),
  });
}
