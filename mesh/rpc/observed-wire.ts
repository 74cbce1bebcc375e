import { MeshError } from '../contract/error.js';
import type { Clock } from '../runtime/ports.js';
import type { RpcMetrics } from '../telemetry/metrics.js';
import { formatTraceparent, parseTraceparent } from '../telemetry/trace-context.js';
import type { Tracer } from '../telemetry/tracer.js';
import { onEnd } from './stream.js';
import type { Dispatch, Wire, WireRequest, WireResponse } from './wire.js';

/** With what a wire, or a receiving end, is observed. */
export interface WireObserver {
  readonly tracer: Tracer;
  readonly metrics: RpcMetrics;
  readonly clock: Clock;
  /** Name of the calling service. */
  readonly caller: string;
}

/**
 * A wire with a client span and client metrics for each call: what the trace and metrics interceptors are to a typed
 * client, for the edge, which passes bytes on without one. The span's parent comes from the call's `traceparent`.
 */
export function observedWire(wire: Wire, observer: WireObserver): Wire {
  return {
    call: (request) => observed('client', observer.caller, request, observer, (seen) => wire.call(seen)),
    close: () => wire.close(),
  };
}

/** A receiving end with a server span for each call: for the front port, whose calls are passed on. */
export function observedDispatch(dispatch: Dispatch, observer: Omit<WireObserver, 'caller'>): Dispatch {
  return (arrival) =>
    observed('server', arrival.caller, arrival, observer, (seen) => dispatch({ ...arrival, ...seen }));
}

async function observed(
  side: 'client' | 'server',
  caller: string,
  request: WireRequest,
  { tracer, metrics, clock }: Omit<WireObserver, 'caller'>,
  next: (request: WireRequest) => Promise<WireResponse>,
): Promise<WireResponse> {
  const { path } = request.method;
  const span = tracer.start({
    name: path.slice(1),
    kind: side,
    parent: parseTraceparent(request.metadata['traceparent']),
    attributes: { 'rpc.system.name': 'grpc', 'rpc.method': path.slice(1), 'meshmart.caller': caller },
  });
  const startedMs = clock.monotonicMs();
  metrics.inFlight(side, request.method, 1);
  const end = (failure: unknown) => {
    const code = failure === undefined ? 'OK' : MeshError.from(failure).code;
    metrics.inFlight(side, request.method, -1);
    metrics.observe(side, path, code, (clock.monotonicMs() - startedMs) / 1_000);
    span.setAttribute('rpc.response.status_code', code);
    if (failure !== undefined) span.setAttribute('error.type', MeshError.from(failure).reason);
    span.end(failure === undefined ? undefined : code);
  };
  const metadata = { ...request.metadata, traceparent: formatTraceparent(span.context) };
  try {
    const response = await next({ ...request, metadata });
    return { ...response, body: onEnd(response.body, end) };
  } catch (error) {
    end(error);
    throw error;
  }
}
