import { createSecureContext, type PeerCertificate, type SecureContext } from 'node:tls';
import { ChannelCredentials, type ChannelOptions, credentials, ServerCredentials } from '@grpc/grpc-js';
import { serviceOfCertificate } from '../../security/spiffe.js';
import type { WorkloadIdentity } from '../../security/workload-identity.js';

/** What a server listens with: its identity, and callers must show theirs; without one, no TLS. */
export function serverCredentials(identity: WorkloadIdentity | undefined): ServerCredentials {
  if (identity === undefined) return ServerCredentials.createInsecure();
  const pair = {
    cert_chain: Buffer.from(identity.certificatePem),
    private_key: Buffer.from(identity.keyPem),
  };
  return ServerCredentials.createSsl(Buffer.from(identity.caPem), [pair], true);
}

/** What a channel connects with. */
export interface ChannelSecurity {
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
}

/** One for all channels of a process: it holds the parsed key and certificates. */
const contexts = new WeakMap<WorkloadIdentity, SecureContext>();

/**
 * Credentials that show our identity and take only the callee's own: whoever answers at the address must have the
 * callee's certificate, since a registry can be wrong about addresses. Names of hosts play no part.
 */
export function channelSecurity(
  identity: WorkloadIdentity | undefined,
  callee: string | undefined,
): ChannelSecurity {
  const options = callee === undefined ? {} : { 'grpc.default_authority': callee };
  if (identity === undefined) return { credentials: credentials.createInsecure(), options };
  if (callee === undefined) throw new TypeError('a channel with an identity must know whom it calls');
  const context =
    contexts.get(identity) ??
    createSecureContext({
      ca: identity.caPem,
      cert: identity.certificatePem,
      key: identity.keyPem,
      minVersion: 'TLSv1.3',
    });
  contexts.set(identity, context);
  const checkServerIdentity = (_host: string, certificate: PeerCertificate) =>
    wrongService(callee, certificate);
  return {
    credentials: notHoldingProcess(
      ChannelCredentials.createFromSecureContext(context, { checkServerIdentity }),
    ),
    // The override is the server name of the handshake as well, which must not be an address (RFC 6066, section 3).
    options: { ...options, 'grpc.ssl_target_name_override': callee },
  };
}

/**
 * grpc-js lets connections go when a process wants to end, but not one whose handshake is under way: a callee that hangs
 * would keep its callers from ending. `SecureConnector` is exported by grpc-js as experimental.
 */
function notHoldingProcess(made: ChannelCredentials): ChannelCredentials {
  const createConnector = made._createSecureConnector.bind(made);
  made._createSecureConnector = (...terms) => {
    const connector = createConnector(...terms);
    const connect = connector.connect.bind(connector);
    connector.connect = (socket) => connect(socket.unref());
    return connector;
  };
  return made;
}

function wrongService(callee: string, certificate: PeerCertificate): Error | undefined {
  const service = serviceOfCertificate(certificate.subjectaltname);
  if (service === callee) return undefined;
  return new Error(
    `the certificate there is ${service === undefined ? "no service's" : `that of ${service}`}, not of ${callee}`,
  );
}
