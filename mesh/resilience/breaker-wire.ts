import { MeshError } from '../contract/error.js';
import { deadlineSignal } from '../rpc/deadline.js';
import { isStream } from '../rpc/stream.js';
import type { Wire, WireRequest, WireResponse } from '../rpc/wire.js';
import type { Ambient } from '../runtime/ports.js';
import type { AdaptiveBreaker, Permit } from './adaptive-breaker.js';
import { type CalleeVerdict, endedByCaller, verdictOf } from './failure-kind.js';
import { isPlainRead } from './repeatable.js';

/** What stands between a caller and one callee. */
export interface BreakerWireOptions {
  /** Folder name of the called service, for messages. */
  readonly callee: string;
  readonly breaker: AdaptiveBreaker;
  readonly ambient: Ambient;
  /**
   * Who waits for a probe. `inline`: the caller whose call it is, as for any call. `background`: nobody; that caller is
   * rejected at once like the others, and its call goes out for the breaker's sake, one at a time. Only plain reads are
   * repeated so; other calls are inline even then.
   */
  readonly probe: 'inline' | 'background';
  /** Longest life of a probe in the background, in milliseconds. */
  readonly probeWithinMs: number;
  /** Told of each call that is rejected. */
  onReject?(): void;
}

/**
 * Stops calls to a callee that fails, right before the hop itself, so that fallbacks, waits and budgets around it see a
 * rejection within microseconds. A stream counts when it ends; one that the caller leaves counts for nothing.
 */
export function breakerWire(wire: Wire, options: BreakerWireOptions): Wire {
  const { breaker, callee, ambient, probe, probeWithinMs } = options;
  const closing = new AbortController();
  let probing = false;
  const rejected = () => {
    options.onReject?.();
    return circuitOpen(callee);
  };

  const startProbe = async (request: WireRequest, permit: Permit) => {
    probing = true;
    const deadlineMs = ambient.clock.nowMs() + Math.min(probeWithinMs, request.method.deadlineMs);
    const ending = deadlineSignal(ambient, closing.signal, deadlineMs, request.method.path);
    try {
      await counted(wire, { ...request, deadlineMs, signal: ending.signal }, permit, ambient);
    } catch {
      // The breaker has heard of it, and nobody else waits.
    } finally {
      ending.dispose();
      probing = false;
    }
  };

  return {
    call: async (request) => {
      const permit = breaker.admit();
      if (permit === undefined) throw rejected();
      if (permit.kind === 'probe' && probe === 'background' && isPlainRead(request.method)) {
        if (!probing) void startProbe(request, permit);
        throw rejected();
      }
      return counted(wire, request, permit, ambient);
    },
    close: () => {
      closing.abort();
      wire.close();
    },
  };
}

/** Makes the call and tells the permit how it ended. */
async function counted(
  wire: Wire,
  request: WireRequest,
  permit: Permit,
  { clock }: Pick<Ambient, 'clock'>,
): Promise<WireResponse> {
  const startedMs = clock.monotonicMs();
  const verdictOn = (failure: unknown): CalleeVerdict => {
    if (!MeshError.is(failure) || endedByCaller(request.signal)) return 'unknown';
    return verdictOf(failure, clock.monotonicMs() - startedMs);
  };
  try {
    const response = await wire.call(request);
    if (isStream(response.body)) {
      return { ...response, body: countedStream(response.body, verdictOn, (verdict) => permit.end(verdict)) };
    }
    permit.end('well');
    return response;
  } catch (failure) {
    permit.end(verdictOn(failure));
    throw failure;
  }
}

async function* countedStream(
  stream: AsyncIterable<Uint8Array>,
  verdictOn: (failure: unknown) => CalleeVerdict,
  end: (verdict: CalleeVerdict) => void,
): AsyncGenerator<Uint8Array> {
  let messages = 0;
  let verdict: CalleeVerdict = 'unknown';
  try {
    for await (const message of stream) {
      messages += 1;
      yield message;
    }
    verdict = 'well';
  } catch (failure) {
    // A stream that has given something and lives until its deadline is well: that is how a watch ends.
    const atDeadline = MeshError.is(failure) && failure.code === 'DEADLINE_EXCEEDED';
    verdict = atDeadline && messages > 0 ? 'well' : verdictOn(failure);
    throw failure;
  } finally {
    end(verdict);
  }
}

function circuitOpen(callee: string): MeshError {
  return new MeshError({
    code: 'UNAVAILABLE',
    reason: 'CIRCUIT_OPEN',
    message: `${callee} has been failing, so it was not asked and nothing was changed: try again in a moment`,
    metadata: { callee },
  });
}
