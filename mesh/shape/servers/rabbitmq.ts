import { connect, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { rabbitmqUrl } from '../../bus/rabbitmq-connection.js';
import { loopback, type ServerKind } from './server-kind.js';

/**
 * RabbitMQ as one node. Its other ports follow the usual one: for other nodes, of which there are none, and for the
 * register of nodes (epmd) that Erlang can't do without; it gets one of its own, so that nothing of it is left.
 */
export const rabbitmq: ServerKind = {
  name: 'rabbitmq',
  choice: 'rabbitmq',
  // Debian keeps the program beside a wrapper of the same name, which insists on a user and folders of the system.
  programs: ['../lib/rabbitmq/bin/rabbitmq-server', 'rabbitmq-server'],
  ways: 'apt install rabbitmq-server, or brew install rabbitmq, or docker compose --profile rabbitmq up',
  addressVariable: 'RABBITMQ_URL',
  ports: [{ variable: 'RABBITMQ_PORT', usual: 5672, besides: [20, 21] }],
  launch: ({ folder, data, port }) => {
    const amqp = port('RABBITMQ_PORT');
    return {
      // Erlang passes over a flag that it does not know; by this one the process is found among others.
      args: ['-meshmart', folder],
      files: { 'rabbitmq.conf': rabbitmqSettings(amqp), enabled_plugins: '[].\n' },
      environment: {
        RABBITMQ_CONFIG_FILE: `${folder}/rabbitmq.conf`,
        RABBITMQ_ENABLED_PLUGINS_FILE: `${folder}/enabled_plugins`,
        RABBITMQ_MNESIA_BASE: data,
        RABBITMQ_LOG_BASE: data,
        // A file of the system must not say otherwise.
        RABBITMQ_CONF_ENV_FILE: `${folder}/none`,
        RABBITMQ_NODENAME: 'meshmart@localhost',
        RABBITMQ_DIST_PORT: String(amqp + 20),
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1} +sbwt none',
        ERL_EPMD_ADDRESS: loopback,
        ERL_EPMD_PORT: String(amqp + 21),
        // Without its own handling of signals by a shell: what is started is the server itself.
        RUNNING_UNDER_SYSTEMD: 'true',
      },
      script,
      url: `amqp://${loopback}:${amqp}`,
    };
  },
  urlOf: (address) => {
    rabbitmqUrl(address);
    return address;
  },
  readyWithinMs: 60_000,
  ready: answersAmqp,
  environment: (url) => ({ RABBITMQ_URL: url }),
};

/** Erlang would start the register as a daemon of its own, which would outlive everything. */
const script = `epmd -address "$ERL_EPMD_ADDRESS" -port "$ERL_EPMD_PORT" &
tries=0
until epmd -port "$ERL_EPMD_PORT" -names > /dev/null 2>&1 || [ $tries -ge 100 ]; do tries=$((tries + 1)); sleep 0.05; done
exec "$0" "$@"
`;

/** The server's settings; the same in compose.yaml. Sizes are in bytes. */
function rabbitmqSettings(port: number): string {
  return `${[
    `listeners.tcp.default = ${loopback}:${port}`,
    // Above it, publishers wait.
    'vm_memory_high_watermark.absolute = 268435456',
    'disk_free_limit.absolute = 67108864',
    'max_message_size = 1048576',
    // Of the log of all quorum queues; as much of it is in memory.
    'raft.wal_max_size_bytes = 33554432',
    'channel_max = 64',
    'heartbeat = 10',
    // How long a message may wait for its acknowledgement, in milliseconds; then it is given to somebody else.
    'consumer_timeout = 1800000',
    'log.file = false',
    'log.console = true',
    'log.console.level = warning',
  ].join('\n')}\n`;
}

/** Sends the header of AMQP 0-9-1 and waits for Connection.Start, the first method of a server that takes connections. */
function answersAmqp(address: string, signal: AbortSignal): Promise<boolean> {
  const url = new URL(address);
  return new Promise((resolve, reject) => {
    const secure = url.protocol === 'amqps:';
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const at = { host, port: Number(url.port || (secure ? 5671 : 5672)) };
    const socket = secure ? connectTls({ ...at, servername: isIP(host) === 0 ? host : '' }) : connect(at);
    const end = (outcome: () => void) => {
      socket.destroy();
      outcome();
    };
    signal.addEventListener('abort', () => end(() => reject(signal.reason)), { once: true });
    socket.once('error', (error) => end(() => reject(error)));
    socket.once('close', () => resolve(false));
    socket.once(secure ? 'secureConnect' : 'connect', () =>
      socket.write(Buffer.from('AMQP\x00\x00\x09\x01', 'latin1')),
    );
    // A frame of type method, on channel 0, of class 10 (connection) and method 10 (start).
    socket.once('data', (answer) =>
      end(() => resolve(answer[0] === 1 && answer.subarray(7, 11).equals(Buffer.from([0, 10, 0, 10])))),
    );
  });
}
