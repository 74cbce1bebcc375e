import { createTransport } from 'nodemailer';
import { MeshError } from '../contract/error.js';
import type { MailSender } from './service.js';
import { StartupError } from './startup-error.js';

/**
 * Sends mail by SMTP, one connection a mail.
 * @param url `smtp://host:port`; read at each mail, because the launcher may start the server later.
 * @param from the sender's address.
 */
export function smtpMailSender(url: () => string, from: string): MailSender {
  return {
    send: async (mail) => {
      const transport = createTransport({
        url: checked(url()),
        connectionTimeout: 2_000,
        greetingTimeout: 2_000,
        socketTimeout: 5_000,
        disableFileAccess: true,
        disableUrlAccess: true,
      });
      try {
        await transport.sendMail({
          from,
          to: mail.to,
          subject: mail.subject,
          text: mail.text,
          messageId: mail.messageId,
        });
      } catch (cause) {
        throw new MeshError({
          code: 'UNAVAILABLE',
          reason: 'UNAVAILABLE',
          message: 'the mail server did not take the message: it is sent again later',
          cause,
        });
      } finally {
        transport.close();
      }
    },
  };
}

function checked(url: string): string {
  if (/^smtps?:\/\/[^/\s]+/.test(url)) return url;
  throw new StartupError(`SMTP_URL is '${url}'`, 'write it as smtp://host:port');
}
