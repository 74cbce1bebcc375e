import { readFileSync } from 'node:fs';
import { type Channel, type ChannelModel, type ConfirmChannel, connect } from 'amqplib';
import type { Log } from '../runtime/ports.js';
import { decodedPart } from '../runtime/setting.js';
import { StartupError } from '../runtime/startup-error.js';

/** How RabbitMQ is reached. */
export interface RabbitmqAccess {
  /** As in RABBITMQ_URL: `amqp://shop@127.0.0.1:5672/host`, `amqps://` for TLS. Without a user, it is `guest`. */
  readonly url: string;
  /** File with the password; it never comes from the environment. Without one, it is RabbitMQ's own default. */
  readonly passwordFile?: string | undefined;
  /** How the connection names itself in RabbitMQ's list. */
  readonly name: string;
  readonly log: Log;
}

/** A connection that is made when it is needed, and made again after it broke. */
export interface RabbitmqConnection {
  /** A new channel. It ends with its connection; a `close` event tells. @throws Error when RabbitMQ is away. */
  channel(): Promise<Channel>;
  /** The same with publisher confirms. */
  confirmChannel(): Promise<ConfirmChannel>;
  /** Breaks what there is: nothing that was sent through it is waited for any more. */
  drop(): void;
  close(): Promise<void>;
}

const limits = { connectMs: 2_000, heartbeatS: 5, closeMs: 2_000 };

/**
 * Opens nothing yet: RabbitMQ need not be there.
 * @throws StartupError for a wrong URL, or a password file that can't be read.
 */
export function rabbitmqConnection(access: RabbitmqAccess): RabbitmqConnection {
  const { log } = access;
  const url = rabbitmqUrl(access.url);
  const password =
    access.passwordFile === undefined ? 'guest' : passwordIn(access.passwordFile, 'RABBITMQ_PASSWORD_FILE');
  let current: Promise<ChannelModel> | undefined;
  let away = false;
  let closed = false;

  const open = async (): Promise<ChannelModel> => {
    try {
      const made = await connect(
        {
          protocol: url.protocol.slice(0, -1),
          hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
          port: Number(url.port || (url.protocol === 'amqps:' ? 5671 : 5672)),
          username: decodeURIComponent(url.username) || 'guest',
          password,
          vhost: decodeURIComponent(url.pathname.slice(1)) || '/',
          heartbeat: limits.heartbeatS,
        },
        {
          timeout: limits.connectMs,
          noDelay: true,
          clientProperties: { connection_name: `meshmart:${access.name}` },
        },
      );
      if (away) log.info({ rabbitmq: access.url }, 'RabbitMQ is back');
      away = false;
      return made;
    } catch (error) {
      if (!away) log.warn({ rabbitmq: access.url, problem: String(error) }, 'RabbitMQ is away');
      away = true;
      throw error;
    }
  };
  const connected = (): Promise<ChannelModel> => {
    if (closed) return Promise.reject(new Error('the connection was closed'));
    if (current !== undefined) return current;
    const opening = open();
    current = opening;
    const forget = () => {
      if (current === opening) current = undefined;
    };
    opening.then((made) => {
      made.on('error', (error) => log.debug({ problem: error.message }, 'a connection to RabbitMQ broke'));
      made.on('close', forget);
    }, forget);
    return opening;
  };
  /** What goes wrong on a channel is seen by whoever waits for it, and by its `close`. */
  const heard = <C extends Channel>(channel: C): C => {
    channel.on('error', (error: Error) => log.debug({ problem: error.message }, 'a channel was closed'));
    return channel;
  };
  return {
    channel: async () => heard(await (await connected()).createChannel()),
    confirmChannel: async () => heard(await (await connected()).createConfirmChannel()),
    drop: () => {
      const dropped = current;
      current = undefined;
      dropped?.then((made) => made.close()).catch(() => undefined);
    },
    close: async () => {
      closed = true;
      const made = await current?.catch(() => undefined);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, limits.closeMs);
      });
      await Promise.race([made?.close().catch(() => undefined), late]);
      clearTimeout(timer);
    },
  };
}

/**
 * Reads the address of a RabbitMQ.
 * @throws StartupError for what is not one, and for one that holds a password: it is shown by `meshmart status`.
 */
export function rabbitmqUrl(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url !== undefined && url.password !== '') {
    throw new StartupError(
      'RABBITMQ_URL holds a password',
      'put it into a file and name that in RABBITMQ_PASSWORD_FILE',
    );
  }
  if (
    url !== undefined &&
    ['amqp:', 'amqps:'].includes(url.protocol) &&
    url.hostname !== '' &&
    [url.username, url.pathname].every((part) => decodedPart(part) !== undefined)
  )
    return url;
  throw new StartupError(
    `RABBITMQ_URL is '${address}'`,
    'give it as amqp://127.0.0.1:5672, or amqps:// for TLS',
  );
}

function passwordIn(file: string, variable: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new StartupError(`${variable} names ${file}, which can't be read`, 'name a file', { cause });
  }
}
