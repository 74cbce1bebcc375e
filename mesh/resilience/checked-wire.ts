import { fromBinary } from '@bufbuild/protobuf';
import { MeshError } from '../contract/error.js';
import type { Contract } from '../contract/image.js';
import type { MethodPolicy } from '../contract/policy.js';
import { isStream, mapStream } from '../rpc/stream.js';
import type { Wire } from '../rpc/wire.js';

/**
 * Reads each answer by its descriptor and passes its bytes on: one that can't be read is a failure of the callee like any
 * other, known before a client or the edge stumbles over it. For optional callees only, since it costs a decoding.
 */
export function checkedWire(wire: Wire, contract: Contract, callee: string): Wire {
  return {
    call: async (request) => {
      const response = await wire.call(request);
      const check = (bytes: Uint8Array) => readable(contract, request.method, callee, bytes);
      const { body } = response;
      return { ...response, body: isStream(body) ? mapStream(body, check) : check(body) };
    },
    close: () => wire.close(),
  };
}

function readable(contract: Contract, method: MethodPolicy, callee: string, bytes: Uint8Array): Uint8Array {
  const type = contract.registry.getMessage(method.output);
  if (type === undefined) return bytes;
  try {
    fromBinary(type, bytes);
    return bytes;
  } catch (cause) {
    throw new MeshError({
      code: 'INTERNAL',
      reason: 'INTERNAL',
      message: `${callee} answered with something that is not a ${method.output}`,
      metadata: { callee },
      cause,
    });
  }
}
