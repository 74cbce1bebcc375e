import type { Evidence, Violation } from './evidence.js';

/**
 * I12: nobody is shown the order of somebody else. I13: the number of a card is nowhere but at the card processor and,
 * sealed, in the vault. Both are looked at only where the run could see them.
 */
export function checkSecrets({
  trespasses = [],
  spilled = [],
}: Pick<Evidence, 'trespasses' | 'spilled'>): Violation[] {
  return [
    ...trespasses.map((subject) => ({ invariant: 'I12', subject, message: 'was shown to somebody else' })),
    ...spilled.map((subject) => ({ invariant: 'I13', subject, message: 'shows the number of a card' })),
  ];
}
