import { stringify } from 'yaml';
import { consul } from './consul.js';
import { jaeger } from './jaeger.js';
import { kafka } from './kafka.js';
import { postgres } from './postgres.js';
import { prometheus } from './prometheus.js';
import { rabbitmq } from './rabbitmq.js';
import { redis } from './redis.js';
import type { PortsOf, ServerKind } from './server-kind.js';

/** How a server runs as a container; everything else is said by its {@link ServerKind}. */
export interface ServerImage {
  readonly kind: ServerKind;
  /** With a pinned tag. */
  readonly image: string;
  /** What stands before the arguments: the program, where the image's entry point does not add it. */
  readonly program: readonly string[];
  /** Started by its script, as the image has nothing that does what that does. */
  readonly scripted?: true;
  /** Where its configuration is. */
  readonly folder: string;
  /** Where a volume keeps what must survive: a folder of the image, whose owner the volume takes over. */
  readonly data?: string;
  /** What its entry point is told besides; a value may name a file of {@link secrets}. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Files that it reads as `/run/secrets/NAME`, by name: where they are on the host. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Succeeds when the server is ready, so that `docker compose up --wait` means it. */
  readonly healthy?: readonly string[];
}

/** In the order of `serverKinds`. */
export const serverImages: readonly ServerImage[] = [
  {
    kind: consul,
    image: 'hashicorp/consul:1.22.7',
    program: ['consul'],
    folder: '/etc/meshmart',
    data: '/consul/data',
    healthy: ['CMD-SHELL', 'wget -q -O - http://127.0.0.1:8500/v1/status/leader | grep -q :'],
  },
  {
    kind: redis,
    image: 'redis:7.2.11-alpine',
    program: ['redis-server'],
    folder: '/etc/meshmart',
    data: '/data',
    healthy: ['CMD', 'redis-cli', 'ping'],
  },
  {
    kind: postgres,
    image: 'postgres:15.14-alpine',
    // The entry point makes the data folder over a socket, which the shop's own settings do without.
    program: ['postgres', '-c', 'unix_socket_directories=/var/run/postgresql'],
    folder: '/etc/meshmart',
    data: '/var/lib/postgresql/data',
    environment: {
      POSTGRES_PASSWORD_FILE: '/run/secrets/postgres-password',
      POSTGRES_INITDB_ARGS: '--auth=scram-sha-256 --encoding=UTF8 --locale=C',
    },
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Compose puts the variable in.
    secrets: { 'postgres-password': '${POSTGRES_PASSWORD_FILE:-./postgres-password}' },
    healthy: ['CMD', 'pg_isready', '--host', '127.0.0.1'],
  },
  {
    kind: jaeger,
    image: 'jaegertracing/jaeger:2.13.0',
    program: [],
    folder: '/etc/meshmart',
  },
  {
    kind: prometheus,
    image: 'prom/prometheus:v3.5.0',
    program: [],
    folder: '/etc/meshmart',
    data: '/prometheus',
    healthy: ['CMD', 'wget', '-q', '-O', '-', 'http://127.0.0.1:9090/-/ready'],
  },
  {
    kind: rabbitmq,
    image: 'rabbitmq:4.1.4-alpine',
    program: ['rabbitmq-server'],
    folder: '/etc/meshmart',
    data: '/var/lib/rabbitmq',
    healthy: ['CMD', 'nc', '-z', '127.0.0.1', '5672'],
  },
  {
    kind: kafka,
    image: 'apache/kafka:3.9.1',
    program: ['/opt/kafka/bin/kafka-server-start.sh'],
    scripted: true,
    folder: '/etc/meshmart',
    data: '/var/lib/kafka/data',
    healthy: ['CMD', 'nc', '-z', '127.0.0.1', '9092'],
  },
];

/** The admin port of a mesh with its usual ports: there Prometheus asks whom to scrape. */
const environment = { SCRAPE_TARGETS_URL: 'http://127.0.0.1:9464/targets' };

const introduction = `# The servers beside the shop for people with docker: what make mesh starts itself, with the same settings and ports.
# Made by: npx tsx mesh/shape/servers/write-compose-file.ts
#
#   docker compose up --detach --wait
#   export CONSUL_HTTP_ADDR=127.0.0.1:8500 REDIS_URL=redis://127.0.0.1:6379
#   export JAEGER_URL=http://127.0.0.1:16686 PROMETHEUS_URL=http://127.0.0.1:9090
#   make mesh
#
# With PostgreSQL, whose password is in a file of yours (readable by the container's user):
#
#   export POSTGRES_PASSWORD_FILE=$PWD/postgres-password POSTGRES_URL=postgres://127.0.0.1:5432
#   docker compose --profile postgres up --detach --wait
#   make mesh STORE=postgres
#
# With RabbitMQ or Kafka as the bus, which start only when they are asked for:
#
#   docker compose --profile kafka up --detach --wait
#   export KAFKA_BROKERS=127.0.0.1:9092 # or RABBITMQ_URL=amqp://127.0.0.1:5672
#   make mesh BUS=kafka
#
# They use the host's network, because they listen on loopback alone and Prometheus must reach processes that do so too.
# Docker Desktop has that as a setting ("Enable host networking"). Needs Compose 2.23.1, for configuration in the file.
`;

/** The text of compose.yaml. */
export function composeFile(): string {
  const configs: Record<string, { content: string }> = {};
  const volumes: Record<string, object> = {};
  const services: Record<string, object> = {};
  const secrets: Record<string, { file: string }> = {};
  for (const one of serverImages) {
    const { kind, image, program, scripted, folder, data, healthy, secrets: own = {} } = one;
    const launch = kind.launch({
      folder,
      data: data ?? '',
      port: usualPort(kind),
      platform: 'linux',
      environment,
    });
    const { args, files, script = '' } = launch;
    const command = [...(scripted ? ['sh', '-c', script] : []), ...program, ...args];
    const told = { ...launch.environment, ...one.environment };
    const mounted = Object.entries(files).map(([file, text]) => {
      const source = `${kind.name}-${file.replace(/\W/g, '-')}`;
      configs[source] = { content: escaped(text) };
      return { source, target: `${folder}/${file}` };
    });
    if (data !== undefined) volumes[kind.name] = {};
    for (const [name, file] of Object.entries(own)) secrets[name] = { file };
    services[kind.name] = {
      image,
      ...(kind.choice === undefined ? {} : { profiles: [kind.choice] }),
      network_mode: 'host',
      restart: 'on-failure',
      command: command.map(escaped),
      ...(Object.keys(told).length === 0 ? {} : { environment: told }),
      ...(Object.keys(own).length === 0 ? {} : { secrets: Object.keys(own) }),
      ...(mounted.length > 0 ? { configs: mounted } : {}),
      ...(data === undefined ? {} : { volumes: [`${kind.name}:${data}`] }),
      ...(healthy === undefined
        ? {}
        : { healthcheck: { test: healthy, interval: '2s', timeout: '2s', retries: 15 } }),
    };
  }
  const file = { name: 'meshmart', services, configs, volumes, secrets };
  return `${introduction}\n${stringify(file, { lineWidth: 0, compat: 'yaml-1.1' })}`;
}

function usualPort(kind: ServerKind): PortsOf {
  return (variable) => kind.ports.find((one) => one.variable === variable)?.usual ?? 0;
}

/** Compose puts variables in place of what follows a dollar sign. */
function escaped(text: string): string {
  return text.replaceAll('$', '$$$$');
}
