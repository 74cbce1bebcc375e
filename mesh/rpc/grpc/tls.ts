import {
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
  type SecureContextOptions,
} from 'node:tls';
import {
  ChannelCredentials,
  type ChannelOptions,
  credentials,
  type experimental,
  ServerCredentials,
} from '@grpc/grpc-js';
import type { FollowedIdentity } from '../../security/followed-identity.js';
import { serviceOfCertificate } from '../../security/spiffe.js';
import type { WorkloadIdentity } from '../../security/workload-identity.js';
import { noticeResets } from './reset-connections.js';

/** An identity that stays, or one that is renewed while servers and channels show it. */
export type ShownIdentity = WorkloadIdentity | FollowedIdentity;

/** What a server listens with: its identity, and callers must show theirs; without one, no TLS. */
export function serverCredentials(identity: ShownIdentity | undefined): ServerCredentials {
  return identity === undefined ? ServerCredentials.createInsecure() : new MutualTls(identity);
}

/**
 * New connections see the newest identity, and those that are open stay. A class because grpc-js keeps what changes
 * credentials to those who inherit from it; its own changing ones come with certificates of the peer and of the server
 * one after the other.
 */
class MutualTls extends ServerCredentials {
  constructor(identity: ShownIdentity) {
    super({ requestCert: true, rejectUnauthorized: true }, contextOptions(currentOf(identity)));
    if ('onChange' in identity)
      identity.onChange((renewed) => this.updateSecureContextOptions(contextOptions(renewed)));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function currentOf(identity: ShownIdentity): WorkloadIdentity {
  return 'current' in identity ? identity.current() : identity;
}

function contextOptions({ caPem, certificatePem, keyPem }: WorkloadIdentity): SecureContextOptions {
  return { ca: caPem, cert: certificatePem, key: keyPem };
}

/** What a channel connects with. */
export interface ChannelSecurity {
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
}

/** One for all channels of a process: it holds the parsed key and certificates. */
const contexts = new WeakMap<WorkloadIdentity, SecureContext>();

function contextOf(identity: WorkloadIdentity): SecureContext {
  const context =
    contexts.get(identity) ?? createSecureContext({ ...contextOptions(identity), minVersion: 'TLSv1.3' });
  contexts.set(identity, context);
  return context;
}

/**
 * Credentials that show our identity and take only the callee's own: whoever answers at the address must have the
 * callee's certificate, since a registry can be wrong about addresses. Names of hosts play no part.
 * @param authority of the calls. Default: the callee's name.
 */
export function channelSecurity(
  identity: ShownIdentity | undefined,
  callee: string | undefined,
  authority: string | undefined = callee,
): ChannelSecurity {
  const options = authority === undefined ? {} : { 'grpc.default_authority': authority };
  if (identity === undefined) return { credentials: credentials.createInsecure(), options };
  if (callee === undefined) throw new TypeError('a channel with an identity must know whom it calls');
  const checkServerIdentity = (_host: string, certificate: PeerCertificate) =>
    wrongService(callee, certificate);
  return {
    credentials: connectingAnew(() =>
      ChannelCredentials.createFromSecureContext(contextOf(currentOf(identity)), { checkServerIdentity }),
    ),
    // The override is the server name of the handshake as well, which must not be an address (RFC 6066, section 3).
    options: { ...options, 'grpc.ssl_target_name_override': callee },
  };
}

/**
 * Credentials whose every connection is made with what `make` gives at that moment: a renewed certificate is shown by the
 * next connection of a channel that is open.
 *
 * grpc-js lets connections go when a process wants to end, but not one whose handshake is under way: a callee that hangs
 * would keep its callers from ending. `SecureConnector` is exported by grpc-js as experimental.
 */
function connectingAnew(make: () => ChannelCredentials): ChannelCredentials {
  const made = make();
  const createConnector = made._createSecureConnector.bind(made);
  made._createSecureConnector = (...terms): experimental.SecureConnector => {
    const first = createConnector(...terms);
    return {
      connect: async (socket) => {
        const connection = await make()
          ._createSecureConnector(...terms)
          .connect(socket.unref());
        noticeResets(connection.socket);
        return connection;
      },
      waitForReady: () => first.waitForReady(),
      getCallCredentials: () => first.getCallCredentials(),
      destroy: () => first.destroy(),
    };
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
