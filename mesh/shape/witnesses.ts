import type { DataFolder } from '../runtime/data-folder.js';
import type { Ambient, Log } from '../runtime/ports.js';
import { type Environment, urlOf } from '../runtime/setting.js';
import { type KeptWitness, keepWitness } from './kept-witness.js';
import { startWitness } from './witness-process.js';

/** The programs outside the shop that it works with, wherever they run. */
export interface Witnesses {
  readonly cardProcessorUrl: string;
  readonly smtpUrl: string;
  /** Where people read the mail; empty when the mail server is not ours. */
  readonly mailSinkUrl: string;
  stop(): Promise<void>;
}

export interface WitnessesOptions {
  readonly data: DataFolder;
  readonly environment: Environment;
  readonly ambient: Pick<Ambient, 'clock' | 'timers'>;
  readonly log: Log;
  /** Told of what people should know while they run: one line. */
  tell(line: string): void;
}

const startWithinMs = 10_000;
const graceMs = 2_000;

/**
 * Starts the card processor and the mail sink, unless CARD_PROCESSOR_URL or SMTP_URL name others, and starts them again, at
 * the same addresses, when they die.
 * @throws StartupError for an address that is none, or a witness that does not start.
 */
export async function startWitnesses(options: WitnessesOptions): Promise<Witnesses> {
  const { data, environment } = options;
  const start = (name: string, settings: Record<string, string>, ports: Record<string, string>) =>
    keepWitness({
      ...options,
      name,
      start: (before, onExit) =>
        startWitness({
          name,
          environment: { ...passedOn(environment), ...settings, ...portsOf(before, ports) },
          startWithinMs,
          onExit: (_name, code) => onExit(code),
        }),
    });
  const cardProcessorUrl = urlOf(environment, 'CARD_PROCESSOR_URL', 'http://127.0.0.1:9000');
  const smtpUrl = urlOf(environment, 'SMTP_URL', 'smtp://127.0.0.1:2525');
  const started = await Promise.allSettled([
    cardProcessorUrl
      ? undefined
      : start(
          'card-processor',
          { CARD_PROCESSOR_LEDGER: data.file('card-processor', 'ledger.jsonl') },
          { url: 'CARD_PROCESSOR_PORT' },
        ),
    smtpUrl
      ? undefined
      : start(
          'mail-sink',
          { MAIL_SINK_FILE: data.file('mail-sink', 'mail.jsonl') },
          { smtpUrl: 'MAIL_SINK_SMTP_PORT', httpUrl: 'MAIL_SINK_HTTP_PORT' },
        ),
  ]);
  const [processor, mail] = started.map((result) =>
    result.status === 'fulfilled' ? result.value : undefined,
  );
  const stop = async () => {
    await Promise.all([processor, mail].map((witness?: KeptWitness) => witness?.stop(graceMs)));
  };
  const failed = started.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  return {
    cardProcessorUrl: cardProcessorUrl || (processor?.listening['url'] ?? ''),
    smtpUrl: smtpUrl || (mail?.listening['smtpUrl'] ?? ''),
    mailSinkUrl: mail?.listening['httpUrl'] ?? '',
    stop,
  };
}

/** The ports that a witness had, as the settings that give it the same again. */
function portsOf(
  listening: Readonly<Record<string, string>> | undefined,
  variables: Readonly<Record<string, string>>,
): Record<string, string> {
  if (listening === undefined) return {};
  return Object.fromEntries(
    Object.entries(variables).map(([what, variable]) => [variable, new URL(listening[what] ?? '').port]),
  );
}

/** Settings of the witnesses that a person may have given to the shop. */
function passedOn(environment: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] =>
        /^(CARD_PROCESSOR|MAIL_SINK)_/.test(entry[0]) && entry[1] !== undefined,
    ),
  );
}
