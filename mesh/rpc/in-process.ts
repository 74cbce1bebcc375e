import { MeshError } from '../contract/error.js';
import { cancelled, orAborted } from './deadline.js';
import { isStream, mapStream } from './stream.js';
import type { Body, Dispatch, Wire } from './wire.js';

/** Largest messages in bytes, as the gRPC binding has them. */
const maxRequestBytes = 262_144;
const maxResponseBytes = 4 * 1024 * 1024;

/**
 * A hop to a service in the same process: no socket, the same interceptors and handlers. Messages cross encoded and
 * copied, so neither side can change what the other holds.
 * @param dispatch finds the receiving end when a call is made, because services need each other in circles.
 * @param caller the calling service; this wire vouches for it.
 */
export function inProcessWire(dispatch: () => Dispatch | undefined, caller: string): Wire {
  let open = true;
  return {
    call: async (request) => {
      const receive = open ? dispatch() : undefined;
      if (receive === undefined) throw unavailable(request.method.service);
      if (request.signal.aborted)
        throw MeshError.is(request.signal.reason) ? request.signal.reason : cancelled(request.method.path);
      const answer = receive({
        ...request,
        body: copied(request.body, maxRequestBytes),
        metadata: { ...request.metadata },
        caller,
        peer: 'in-process',
      });
      const { body, trailers } = await orAborted(answer, request.signal).catch((error: unknown) => {
        throw withoutCause(MeshError.from(error));
      });
      return { body: copied(body, maxResponseBytes), trailers };
    },
    close: () => {
      open = false;
    },
  };
}

function copied(body: Body, maxBytes: number): Body {
  const copy = (bytes: Uint8Array) => {
    if (bytes.length > maxBytes) throw tooLarge(bytes.length, maxBytes);
    // Not slice(): that of a Buffer is a view.
    return new Uint8Array(bytes);
  };
  return isStream(body) ? copiedStream(body, copy) : copy(body);
}

async function* copiedStream(
  stream: AsyncIterable<Uint8Array>,
  copy: (bytes: Uint8Array) => Uint8Array,
): AsyncGenerator<Uint8Array> {
  try {
    yield* mapStream(stream, copy);
  } catch (error) {
    throw withoutCause(MeshError.from(error));
  }
}

function tooLarge(bytes: number, maxBytes: number): MeshError {
  return new MeshError({
    code: 'RESOURCE_EXHAUSTED',
    reason: 'BODY_TOO_LARGE',
    message: `a message of ${bytes} bytes is larger than the ${maxBytes} that are taken`,
  });
}

/** As over a network: what lies behind an error stays with the service that made it. */
function withoutCause(error: MeshError): MeshError {
  const { code, reason, message, metadata, violations } = error;
  return new MeshError({ code, reason, message, metadata, violations });
}

function unavailable(service: string): MeshError {
  return new MeshError({
    code: 'UNAVAILABLE',
    reason: 'UNAVAILABLE',
    message: `${service} does not run here or is stopping: try again`,
  });
}
