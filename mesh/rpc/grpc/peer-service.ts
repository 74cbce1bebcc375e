import type { ServerUnaryCall } from '@grpc/grpc-js';
import { MeshError } from '../../contract/error.js';
import { serviceOfCertificate } from '../../security/spiffe.js';

/** A call of any kind, as grpc-js hands it to a handler. */
export type CertifiedCall = Pick<ServerUnaryCall<unknown, unknown>, 'getAuthContext'>;

/** The services at the far ends of connections: to parse a certificate takes as long as a third of a call. */
const services = new WeakMap<object, string>();

/**
 * The service that calls, by the certificate that its TLS connection was verified with.
 * @throws MeshError UNAUTHENTICATED when the connection has none, or it is not a service's.
 */
export function peerService(call: CertifiedCall): string {
  const connection = connectionOf(call);
  const known = connection === undefined ? undefined : services.get(connection);
  if (known !== undefined) return known;
  const service = serviceOfCertificate(call.getAuthContext()?.sslPeerCertificate?.subjectaltname);
  if (service === undefined) {
    throw new MeshError({
      code: 'UNAUTHENTICATED',
      reason: 'CALLER_UNKNOWN',
      message: "the caller's certificate names no service: call with one that meshmart up has made",
    });
  }
  if (connection !== undefined) services.set(connection, service);
  return service;
}

/**
 * The HTTP/2 session of a call: an object for each connection. grpc-js does not show it, and nothing else that would
 * stand for a connection; where it is not found, each call parses the certificate again.
 */
function connectionOf(call: CertifiedCall): object | undefined {
  const { call: inner } = call as { call?: { stream?: { session?: object } } };
  return inner?.stream?.session;
}
