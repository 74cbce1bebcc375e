import { experimental, type Metadata, status } from '@grpc/grpc-js';
import { type CalleeVerdict, verdictOf } from '../resilience/failure-kind.js';
import type { OutlierEjection } from '../resilience/outlier-ejection.js';
import { errorFromGrpc } from '../rpc/grpc/grpc-error.js';
import type { Clock } from '../runtime/ports.js';

/** A connected endpoint and how calls get onto it. */
export interface ReadyEndpoint {
  readonly key: string;
  readonly picker: experimental.Picker;
}

/** Whose turn it is; outlives the pickers, which are made anew at each change. */
export interface Turn {
  next: number;
}

/** Takes turns among the connected endpoints that are not ejected, and tells the ejection how each attempt ended. */
export function ejectingPicker(
  ready: readonly ReadyEndpoint[],
  ejection: OutlierEjection,
  turn: Turn,
  clock: Pick<Clock, 'monotonicMs'>,
): experimental.Picker {
  const keys = ready.map(({ key }) => key);
  return {
    pick: (args) => {
      const index = ejection.choose(keys, turn.next);
      turn.next = index + 1;
      const chosen = ready[index] as ReadyEndpoint;
      const result = chosen.picker.pick(args);
      if (result.pickResultType !== experimental.PickResultType.COMPLETE) return result;
      let end: (verdict: CalleeVerdict) => void = () => undefined;
      let startedMs = 0;
      return {
        ...result,
        onCallStarted: () => {
          startedMs = clock.monotonicMs();
          end = ejection.begin(chosen.key);
          result.onCallStarted?.();
        },
        onCallEnded: (code, details, metadata) => {
          end(verdictOfAttempt(code, details, metadata, clock.monotonicMs() - startedMs));
          result.onCallEnded?.(code, details, metadata);
        },
      };
    },
  };
}

/** A stream that lives so long, in milliseconds, ends at its deadline as it should. */
const watchMs = 60_000;

function verdictOfAttempt(code: status, details: string, metadata: Metadata, tookMs: number): CalleeVerdict {
  if (code === status.OK) return 'well';
  // Most often ours: the caller gave up. A peer that breaks off takes its connection along, which is seen elsewhere.
  if (code === status.CANCELLED) return 'unknown';
  if (code === status.DEADLINE_EXCEEDED && tookMs >= watchMs) return 'unknown';
  return verdictOf(errorFromGrpc({ code, details, metadata }), tookMs);
}
