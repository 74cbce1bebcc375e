import { createTransport } from 'nodemailer';
import { MeshError } from '../contract/error.js';
import type { MailSender } from './service.js';
import { StartupError } from './startup-error.js';

/** A mail sender with a connection that ends with it. */
export interface SmtpMailSender extends MailSender {
  /** Closes the connection; what is being sent is sent first. */
  close(): void;
}

/** A connection is replaced after so many mails. */
const mailsAConnection = 1_000;

/**
 * Sends mail by SMTP, over one connection that is kept: making one costs more than the mail. One that broke is made anew for
 * the next mail.
 * @param url `smtp://host:port`; read at each mail, because the launcher may start the server later, or again elsewhere.
 * @param from the sender's address.
 */
export function smtpMailSender(url: () => string, from: string): SmtpMailSender {
  let kept: { readonly address: string; readonly transport: ReturnType<typeof transportTo> } | undefined;
  const transport = () => {
    const address = checked(url());
    if (kept?.address !== address) {
      kept?.transport.close();
      kept = { address, transport: transportTo(address) };
    }
    return kept.transport;
  };
  return {
    send: async (mail) => {
      try {
        await transport().sendMail({
          from,
          to: mail.to,
          subject: mail.subject,
          text: mail.text,
          messageId: mail.messageId,
        });
      } catch (cause) {
        if (cause instanceof StartupError) throw cause;
        throw new MeshError({
          code: 'UNAVAILABLE',
          reason: 'UNAVAILABLE',
          message: 'the mail server did not take the message: it is sent again later',
          cause,
        });
      }
    },
    close: () => {
      kept?.transport.close();
      kept = undefined;
    },
  };
}

function transportTo(address: string) {
  return createTransport({
    url: address,
    pool: true,
    maxConnections: 1,
    maxMessages: mailsAConnection,
    // Whether a mail is sent again is for the caller to say, who knows which were.
    maxRequeues: 0,
    // Sooner than any server ends an idle one.
    idleTimeout: 3_000,
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
