import { createTransport } from 'nodemailer';
import { MeshError } from '../contract/error.js';
import type { MailSender } from './service.js';
import { StartupError } from './startup-error.js';

/** A mail sender with a connection that ends with it. */
export interface SmtpMailSender extends MailSender {
  /** Ends the connection, and with it a mail that is under way: that is sent again by whoever takes it up. */
  close(): void;
}

/** How patient a mail sender is. */
export interface SmtpMailOptions {
  /** Longest time for one mail, its connection included, in milliseconds. Default 10000. */
  readonly mailWithinMs?: number;
  /** How long a connection is kept for the next mail, in milliseconds; less than servers keep it. Default 3000. */
  readonly idleMs?: number;
}

type Transport = ReturnType<typeof transportTo>;

/**
 * Sends mail by SMTP, one at a time over one connection that is kept, since making one costs more than the mail. After any
 * failure, and after each mail that took too long, the connection is thrown away. A mail goes a second time, over a
 * new connection, only when the server had ended the kept one before a byte of the mail was sent.
 * @param url `smtp://host:port`; read at each mail, because the launcher may start the server later, or again elsewhere.
 * @param from the sender's address.
 */
export function smtpMailSender(
  url: () => string,
  from: string,
  options: SmtpMailOptions = {},
): SmtpMailSender {
  const { mailWithinMs = 10_000, idleMs = 3_000 } = options;
  let kept: { readonly address: string; readonly transport: Transport } | undefined;
  const drop = (transport: Transport | undefined) => {
    if (kept?.transport === transport) kept = undefined;
    transport?.close({ force: true });
  };
  const current = (): Transport => {
    const address = checked(url());
    if (kept?.address !== address) {
      drop(kept?.transport);
      kept = { address, transport: transportTo(address, idleMs) };
    }
    return kept.transport;
  };
  return {
    send: async (mail) => {
      const transport = current();
      try {
        await transport.sendMail({
          from,
          to: mail.to,
          subject: mail.subject,
          text: mail.text,
          messageId: mail.messageId,
          signal: AbortSignal.timeout(mailWithinMs),
        });
      } catch (cause) {
        drop(transport);
        throw new MeshError({
          code: 'UNAVAILABLE',
          reason: 'UNAVAILABLE',
          message: 'the mail server did not take the message: it is sent again later',
          cause,
        });
      }
    },
    close: () => drop(kept?.transport),
  };
}

function transportTo(address: string, idleMs: number) {
  return createTransport({
    url: address,
    pool: true,
    maxConnections: 1,
    // Nodemailer does so only before it has begun with the mail's own bytes.
    maxRequeues: 1,
    idleTimeout: idleMs,
    connectionTimeout: 2_000,
    greetingTimeout: 2_000,
    socketTimeout: 5_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

function checked(url: string): string {
  if (/^smtps?:\/\/[^/\s]+/.test(url)) return url;
  throw new StartupError(`SMTP_URL is '${url}'`, 'write it as smtp://host:port');
}
