import { create, ScalarType, toBinary } from '@bufbuild/protobuf';
import { MeshError } from '../contract/error.js';
import type { Contract } from '../contract/image.js';
import type { MethodPolicy } from '../contract/policy.js';
import type { Wire } from '../rpc/wire.js';
import { endedByCaller, verdictOf } from './failure-kind.js';
import { isPlainRead } from './repeatable.js';

/**
 * Name of the trailer, and of the HTTP header, that says which services an answer had to do without: their folder names,
 * with commas between them.
 */
export const degradedTrailer = 'x-degraded';

/** What stands in for an optional callee. */
export interface FallbackOptions {
  readonly callee: string;
  readonly contract: Contract;
  /** Told of each answer that was made up, with what the call had failed with. */
  onFallback?(method: MethodPolicy, failure: MeshError): void;
}

/**
 * Answers plain reads of an optional callee that fails: with an empty message, marked by the trailer `x-degraded`, and by
 * the message's own field `degraded` where it has one. Errors that are about the request stay errors, and so does every
 * failed command. Works on bytes, so that calls which the edge passes through have it too.
 */
export function fallbackWire(wire: Wire, options: FallbackOptions): Wire {
  const { callee, contract, onFallback } = options;
  return {
    call: async (request) => {
      try {
        return await wire.call(request);
      } catch (thrown) {
        const { method, signal } = request;
        const failure = MeshError.from(thrown);
        if (!isPlainRead(method) || endedByCaller(signal) || !isReplaceable(failure)) throw thrown;
        onFallback?.(method, failure);
        return { body: emptyAnswer(contract, method), trailers: { [degradedTrailer]: callee } };
      }
    },
    close: () => wire.close(),
  };
}

function isReplaceable(failure: MeshError): boolean {
  if (failure.reason === 'CIRCUIT_OPEN') return true;
  // An older callee that lacks the method is as good as none.
  if (failure.code === 'UNIMPLEMENTED') return true;
  const verdict = verdictOf(failure);
  return verdict === 'broken' || verdict === 'overloaded';
}

/** The answer of a method with nothing in it. No bytes at all are an empty message. */
export function emptyAnswer(contract: Contract, method: Pick<MethodPolicy, 'output'>): Uint8Array {
  const type = contract.registry.getMessage(method.output);
  const mark = type?.field['degraded'];
  if (type === undefined || mark?.fieldKind !== 'scalar' || mark.scalar !== ScalarType.BOOL) {
    return new Uint8Array();
  }
  return toBinary(type, create(type, { [mark.localName]: true }));
}
