import type { DataFolder } from '../runtime/data-folder.js';
import type { Log } from '../runtime/ports.js';
import type { Environment } from '../runtime/setting.js';
import { startWitness, type Witness } from './witness-process.js';

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
  readonly log: Log;
}

const startWithinMs = 10_000;
const graceMs = 2_000;

/** Starts the card processor and the mail sink, unless CARD_PROCESSOR_URL or SMTP_URL name others. */
export async function startWitnesses(options: WitnessesOptions): Promise<Witnesses> {
  const { data, environment, log } = options;
  const onExit = (name: string, code: number | null) =>
    log.error({ witness: name, code }, 'a witness has ended');
  const start = (name: string, settings: Record<string, string>) =>
    startWitness({ name, environment: { ...passedOn(environment), ...settings }, startWithinMs, onExit });
  const cardProcessorUrl = environment['CARD_PROCESSOR_URL'];
  const smtpUrl = environment['SMTP_URL'];
  const started = await Promise.allSettled([
    cardProcessorUrl
      ? undefined
      : start('card-processor', { CARD_PROCESSOR_LEDGER: data.file('card-processor', 'ledger.jsonl') }),
    smtpUrl ? undefined : start('mail-sink', { MAIL_SINK_FILE: data.file('mail-sink', 'mail.jsonl') }),
  ]);
  const [processor, mail] = started.map((result) =>
    result.status === 'fulfilled' ? result.value : undefined,
  );
  const stop = async () => {
    await Promise.all([processor, mail].map((witness?: Witness) => witness?.stop(graceMs)));
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

/** Settings of the witnesses that a person may have given to the shop. */
function passedOn(environment: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] =>
        /^(CARD_PROCESSOR|MAIL_SINK)_/.test(entry[0]) && entry[1] !== undefined,
    ),
  );
}
