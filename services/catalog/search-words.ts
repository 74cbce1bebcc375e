/** One word that a product must hold, in any of its forms. */
export interface SearchWord {
  /** Lower-case letters and digits; singular and plural. Never empty. */
  readonly forms: readonly string[];
  /** True for the last word, which may be unfinished: a product's word need only begin with it. */
  readonly unfinished: boolean;
}

/**
 * The words of a query. All but letters and digits separates words, so nothing of a search engine's own syntax gets
 * through. Words after the twentieth are left out.
 * @returns none when the text has no letter and no digit.
 */
export function searchWords(text: string): SearchWord[] {
  const words = (text.toLowerCase().match(/[\p{L}\p{N}][\p{L}\p{M}\p{N}]*/gu) ?? []).slice(0, 20);
  return words.map((word, index) => {
    const unfinished = index === words.length - 1;
    return { forms: formsOf(word, unfinished), unfinished };
  });
}

/** English plurals in s, which is most of them: `lamps` finds lamp, `lamp` finds lamps. */
function formsOf(word: string, unfinished: boolean): string[] {
  if (word.length < 4 || word.endsWith('ss')) return [word];
  if (word.endsWith('s')) return [word, word.slice(0, -1)];
  return unfinished ? [word] : [word, `${word}s`];
}
