import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { SharedBus } from '../../mesh/bus/shared-bus.js';
import { openDataFiles } from '../../mesh/runtime/data-folder.js';
import type { Ambient, Log } from '../../mesh/runtime/ports.js';
import type { Environment } from '../../mesh/runtime/setting.js';
import type { Opened } from '../../mesh/shape/opened.js';
import type { StoreKind } from '../../mesh/shape/processes/service-store.js';
import { superuserPassword } from '../../mesh/shape/servers/postgres.js';
import { startServers } from '../../mesh/shape/servers/start-servers.js';
import { freePort } from '../../mesh/testing/free-port.js';
import { openSwitchboard, type Switchboard } from '../fault-proxy/switchboard.js';
import { startWitnesses } from '../witnesses.js';
import { serverEdges } from './edges.js';

/** What the shop stands in: servers, witnesses, and a proxy before each of them. All of it on loopback. */
export interface Surroundings {
  readonly switchboard: Switchboard;
  /** What the shop is started with: every way out of it leads through a proxy. */
  readonly environment: Readonly<Record<string, string>>;
  /** The server of the bus itself, past the proxies. */
  readonly busAddress: string;
  serverPid(name: string): number | undefined;
  /** Files of the witnesses. */
  readonly ledgerFile: string;
  readonly mailFile: string;
}

export interface SurroundingsOptions {
  readonly folder: string;
  readonly store: StoreKind;
  readonly bus: SharedBus;
  /** Of this process: PATH, and settings for the shop such as the bus. */
  readonly environment: Environment;
  readonly ambient: Ambient;
  readonly log: Log;
  readonly chance: () => number;
  tell(line: string): void;
}

/** Starts them, each noted in `opened` to be ended again. @throws StartupError for what is missing. */
export async function openSurroundings(options: SurroundingsOptions, opened: Opened): Promise<Surroundings> {
  const { folder, store, bus, environment, ambient, log, tell } = options;
  const collector = await openCollector();
  opened.push(() => collector.close());
  const witnesses = await startWitnesses(folder);
  opened.push(() => witnesses.stop());
  const data = openDataFiles(join(folder, 'servers'));
  const servers = await startServers({
    data,
    choices: [store, bus],
    environment: {
      PATH: environment['PATH'],
      CONSUL_PORT: String(await freePort()),
      REDIS_PORT: String(await freePort()),
      POSTGRES_PORT: String(await freePort()),
      RABBITMQ_PORT: String(await freePort()),
      KAFKA_PORT: String(await freePort()),
      // Traces and metrics are not what is tested here.
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      PROMETHEUS_URL: collector.url,
    },
    ambient,
    log,
    targetsUrl: collector.url,
    tell,
  });
  // They would outlive an end in haste; the witnesses end with their channel to this process.
  const kill = () => servers.kill();
  process.once('exit', kill);
  opened.push(() => process.removeListener('exit', kill));
  opened.push(() => servers.stop());
  await servers.ready();
  const switchboard = await openSwitchboard(options.chance);
  opened.push(() => switchboard.close());

  const { consul = '', redis = '', postgres, rabbitmq, kafka } = servers.addresses;
  /** The same URL with the port of a proxy. */
  const behindProxy = async (edge: (typeof serverEdges)[keyof typeof serverEdges], url: string) => {
    const { port } = new URL(url);
    const proxied = await switchboard.lead(edge, { address: '127.0.0.1', port: Number(port) });
    return url.replace(`:${port}`, `:${proxied}`);
  };
  const passwordFile = join(folder, 'postgres-superuser');
  if (postgres !== undefined)
    writeFileSync(passwordFile, superuserPassword(join(data.path, 'secrets')), { mode: 0o600 });
  return {
    switchboard,
    environment: {
      ...(postgres === undefined
        ? {}
        : {
            POSTGRES_URL: await behindProxy(serverEdges.postgres, postgres),
            POSTGRES_PASSWORD_FILE: passwordFile,
          }),
      ...(rabbitmq === undefined ? {} : { RABBITMQ_URL: await behindProxy(serverEdges.rabbitmq, rabbitmq) }),
      // No proxy stands before Kafka: it tells its clients its own address.
      ...(kafka === undefined ? {} : { KAFKA_BROKERS: kafka }),
      CONSUL_HTTP_ADDR: await behindProxy(serverEdges.consul, consul),
      REDIS_URL: await behindProxy(serverEdges.redis, redis),
      CARD_PROCESSOR_URL: await behindProxy(serverEdges.cardProcessor, witnesses.cardProcessorUrl),
      SMTP_URL: await behindProxy(serverEdges.mail, witnesses.smtpUrl),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      PROMETHEUS_URL: collector.url,
      TRACES_EXPORTER: 'off',
      FAULT_PROXY_URL: switchboard.url,
    },
    busAddress: servers.addresses[bus] ?? '',
    serverPid: (name) => servers.status().find((server) => server.name === name)?.pid,
    ledgerFile: join(folder, 'ledger.jsonl'),
    mailFile: join(folder, 'mail.jsonl'),
  };
}

/** Takes traces and answers for Prometheus, and keeps nothing. */
async function openCollector(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    request.resume();
    response.end();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
