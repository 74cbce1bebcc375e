/** How a card behaves. What is not here is declined as `unknown_card`. */
export type Behaviour =
  | { readonly kind: 'works' }
  | { readonly kind: 'declines'; readonly reason: string }
  /** Never answers the first attempt of a key, and does nothing; the next one works. */
  | { readonly kind: 'hangs' }
  /** Does it, and answers 504 the first time. */
  | { readonly kind: 'times_out_after'; readonly what: 'authorize' | 'capture' }
  | { readonly kind: 'slow'; readonly delayMs: number };

/** Test cards by number; all of them pass the Luhn check. */
export const testCards: Readonly<Record<string, Behaviour>> = {
  '4242424242424242': { kind: 'works' },
  '5555555555554444': { kind: 'works' },
  '378282246310005': { kind: 'works' },
  '4000000000000002': { kind: 'declines', reason: 'card_declined' },
  '4000000000009995': { kind: 'declines', reason: 'insufficient_funds' },
  '4000000000009987': { kind: 'declines', reason: 'lost_card' },
  '4000000000009979': { kind: 'declines', reason: 'stolen_card' },
  '4000000000000069': { kind: 'declines', reason: 'expired_card' },
  '4000000000000341': { kind: 'hangs' },
  '4000000000003220': { kind: 'times_out_after', what: 'authorize' },
  '4000000000003063': { kind: 'times_out_after', what: 'capture' },
  '4000000000000077': { kind: 'slow', delayMs: 3_000 },
};

/** How this card behaves. */
export function behaviourOf(number: string): Behaviour {
  return testCards[number] ?? { kind: 'declines', reason: 'unknown_card' };
}
