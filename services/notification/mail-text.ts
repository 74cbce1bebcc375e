import { format, zero } from '../../mesh/contract/money.js';
import type { OrderFailure, OrderLine } from '../../proto/gen/meshmart/order/v1/order.js';
import type { Money } from '../../proto/gen/meshmart/type/v1/money.js';

/** What a mail is about. */
export type MailKind = 'welcome' | 'order-confirmed' | 'order-shipped' | 'order-rejected' | 'order-cancelled';

/** A mail's words. */
export interface MailText {
  readonly subject: string;
  readonly body: string;
}

/** What the mails about orders tell. */
export interface OrderFacts {
  readonly orderId: string;
  readonly lines: readonly OrderLine[];
  readonly total: Money | undefined;
  readonly trackingNumber?: string;
  readonly failure?: OrderFailure | undefined;
}

/** Words for somebody who has just registered. */
export function welcome(name: string): MailText {
  return mail('Welcome to Meshmart', name, [
    'your account is ready. Have a look around, and write back if something does not work.',
  ]);
}

/** Words about an order. Pure: the same event gives the same mail. */
export function orderMail(kind: Exclude<MailKind, 'welcome'>, name: string, order: OrderFacts): MailText {
  const number = order.orderId;
  switch (kind) {
    case 'order-confirmed':
      return mail(`Your order ${number} is confirmed`, name, [
        'thank you for your order. It is confirmed, and on its way soon:',
        ...listOf(order),
      ]);
    case 'order-shipped':
      return mail(`Your order ${number} is on its way`, name, [
        `your parcel has left. The carrier knows it as ${oneLine(order.trackingNumber ?? '')}.`,
        ...listOf(order),
      ]);
    case 'order-rejected':
      return mail(`Your order ${number} could not be taken`, name, [
        `we could not take your order: ${oneLine(order.failure?.message ?? 'it was refused')}.`,
        'Nothing was charged.',
      ]);
    case 'order-cancelled':
      return mail(`Your order ${number} is cancelled`, name, [
        'as you wished, your order is cancelled. Nothing was charged.',
      ]);
    default:
      return kind satisfies never;
  }
}

function listOf(order: OrderFacts): string[] {
  const lines = order.lines.map(
    (line) => `  ${line.quantity} x ${oneLine(line.productName)}, ${format(line.lineTotal ?? zero('EUR'))}`,
  );
  return [lines.join('\n'), `Total with shipping: ${format(order.total ?? zero('EUR'))}`];
}

function mail(subject: string, name: string, paragraphs: readonly string[]): MailText {
  return {
    subject: oneLine(subject),
    body: [`Hello ${oneLine(name)},`, ...paragraphs, 'Meshmart'].join('\n\n'),
  };
}

/** Names and messages come from outside: without line breaks and control characters they can't become headers or lines. */
export function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, 200);
}
