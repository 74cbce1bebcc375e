import { Socket } from 'node:net';
import { kafkaBrokers } from '../../bus/kafka-client.js';
import { loopback, type ServerKind } from './server-kind.js';

/** Kafka as one node without ZooKeeper (KRaft), broker and controller in one. The controller has the port after the usual. */
export const kafka: ServerKind = {
  name: 'kafka',
  choice: 'kafka',
  programs: ['kafka-server-start.sh', 'kafka-server-start'],
  ways: 'a release from kafka.apache.org/downloads with its bin folder on PATH and Java 17, or brew install kafka, or docker compose --profile kafka up',
  addressVariable: 'KAFKA_BROKERS',
  ports: [{ variable: 'KAFKA_PORT', usual: 9092, besides: [1] }],
  launch: ({ folder, data, port }) => ({
    args: [`${folder}/server.properties`],
    files: { 'server.properties': kafkaSettings(port('KAFKA_PORT'), data), 'log4j.properties': logSettings },
    environment: {
      KAFKA_HEAP_OPTS: '-Xms128m -Xmx300m',
      KAFKA_LOG4J_OPTS: `-Dlog4j.configuration=file:${folder}/log4j.properties`,
      LOG_DIR: `${data}/logs`,
      KAFKA_CLUSTER_ID: clusterId,
    },
    script,
    url: `${loopback}:${port('KAFKA_PORT')}`,
  }),
  urlOf: (address) => kafkaBrokers(address).join(','),
  readyWithinMs: 60_000,
  ready: answersKafka,
  environment: (brokers) => ({ KAFKA_BROKERS: brokers }),
};

/** It marks the data folder: one that was formatted under another id is refused. 16 bytes, base64url. */
const clusterId = 'bWVzaG1hcnQtc2hvcC0xMQ';

/** A folder that is formatted already is left as it is, and costs no second start of Java. */
const script = `logs=$(sed -n 's/^log[.]dirs=//p' "$1")
grep -qsx "cluster.id=$KAFKA_CLUSTER_ID" "$logs/meta.properties" && exec "$0" "$@"
format=$(dirname "$0")/kafka-storage.sh
[ -x "$format" ] || format=$(dirname "$0")/kafka-storage
"$format" format --ignore-formatted --cluster-id "$KAFKA_CLUSTER_ID" --config "$1" || exit 1
exec "$0" "$@"
`;

const logSettings = `log4j.rootLogger=WARN, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=[%d] %p %m (%c)%n
`;

/** The server's settings; the same in compose.yaml. */
function kafkaSettings(port: number, data: string): string {
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${loopback}:${port + 1}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://${loopback}:${port},CONTROLLER://${loopback}:${port + 1}`,
    'advertised.listeners': `PLAINTEXT://${loopback}:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': `${data}/log`,
    'num.partitions': 4,
    'default.replication.factor': 1,
    'min.insync.replicas': 1,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    // With one node there is no second copy: what is acknowledged is on disk first.
    'log.flush.interval.messages': 1,
    'auto.create.topics.enable': false,
    'unclean.leader.election.enable': false,
    // A group of one service has few members: it need not wait for more.
    'group.initial.rebalance.delay.ms': 0,
    // The controller lets a node that was killed in again when its session is over: with the usual 9 s, after 14 s in all.
    'broker.session.timeout.ms': 4_000,
    'broker.heartbeat.interval.ms': 500,
    'message.max.bytes': 1_048_576,
    'log.segment.bytes': 16_777_216,
    // Made at full size for every segment.
    'log.index.size.max.bytes': 65_536,
    'log.cleaner.dedupe.buffer.size': 4_194_304,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'max.connections': 256,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** Asks the first broker that answers which requests it knows (ApiVersions, key 18): it does when it takes clients. */
async function answersKafka(brokers: string, signal: AbortSignal): Promise<boolean> {
  const answers = await Promise.allSettled(kafkaBrokers(brokers).map((broker) => asked(broker, signal)));
  return answers.some((answer) => answer.status === 'fulfilled' && answer.value);
}

function asked(broker: string, signal: AbortSignal): Promise<boolean> {
  const at = broker.lastIndexOf(':');
  return new Promise((resolve, reject) => {
    const socket = new Socket();
    const end = (outcome: () => void) => {
      socket.destroy();
      outcome();
    };
    signal.addEventListener('abort', () => end(() => reject(signal.reason)), { once: true });
    socket.once('error', (error) => end(() => reject(error)));
    socket.once('close', () => resolve(false));
    // Size, key, version 0, correlation id 7, no client id.
    const request = Buffer.alloc(14);
    request.writeInt32BE(10, 0);
    request.writeInt16BE(18, 4);
    request.writeInt32BE(7, 8);
    request.writeInt16BE(-1, 12);
    socket.once('connect', () => socket.write(request));
    // Size, correlation id, error code 0.
    socket.once('data', (answer) =>
      end(() => resolve(answer.length >= 10 && answer.readInt32BE(4) === 7 && answer.readInt16BE(8) === 0)),
    );
    const host = broker.slice(0, at).replace(/^\[(.*)\]$/, '$1');
    socket.connect(Number(broker.slice(at + 1)), host);
  });
}
