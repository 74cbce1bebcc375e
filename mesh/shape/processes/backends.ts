import type { Bus } from '../../bus/bus.js';
import { openEmbeddedBus } from '../../bus/embedded-bus.js';
import type { Ambient, Log } from '../../runtime/ports.js';
import type { Environment } from '../../runtime/setting.js';
import type { Tracer } from '../../telemetry/tracer.js';

export interface Backends {
  readonly bus: Bus;
  readonly ports: object;
  close(): Promise<void>;
}
export function openBackends(o: {
  service: string;
  environment: Environment;
  ambient: Ambient;
  log: Log;
  tracer: Tracer;
}): Backends {
  const bus = openEmbeddedBus({
    path: `${o.environment['MESHMART_DATA']}/bus-${o.service}.db`,
    ambient: o.ambient,
    log: o.log,
  });
  return { bus, ports: {}, close: () => bus.close() };
}
