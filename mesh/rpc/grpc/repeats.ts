import type { EventEmitter } from 'node:events';
import { type Metadata, type StatusObject, status } from '@grpc/grpc-js';
import type { MethodPolicy } from '../../contract/policy.js';
import { mayRepeat } from '../../resilience/repeatable.js';
import { retryPolicy } from '../../resilience/retry-policy.js';

/** Hears of calls that were made more than once, for metrics. Methods are paths. */
export interface RepeatListener {
  /** A call has ended that was repeated `count` times. */
  retried(method: string, count: number): void;
  /** A call was not there to be answered and may be repeated, but the budget for it was used up. */
  retryRefused(method: string): void;
}

/**
 * Tells what grpc-js did about a call below its surface. How often it repeated one is in the metadata that it gives us
 * (gRFC A6, `grpc-previous-rpc-attempts`). That it refused to is in none: it is known from a call that ended with
 * UNAVAILABLE, without a word from a server, before its attempts were used up.
 */
export function tellRepeats(call: EventEmitter, method: MethodPolicy, listener: RepeatListener): void {
  let repeats = 0;
  let begun = false;
  call.on('metadata', (metadata: Metadata) => {
    begun = true;
    repeats = repeatsIn(metadata);
  });
  call.on('status', ({ code, metadata }: StatusObject) => {
    repeats ||= repeatsIn(metadata);
    if (repeats > 0) listener.retried(method.path, repeats);
    const attemptsLeft = repeats < retryPolicy.maxAttempts - 1;
    if (code === status.UNAVAILABLE && !begun && attemptsLeft && mayRepeat(method))
      listener.retryRefused(method.path);
  });
}

function repeatsIn(metadata: Metadata): number {
  return Number(metadata.get('grpc-previous-rpc-attempts')[0] ?? 0);
}
