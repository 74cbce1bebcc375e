/** A change of the built code: a text that is there once, and what stands in its place. */
export interface Edit {
  /** Below dist/, such as `services/order/decide.js`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A bug that is planted to see whether the simulation finds it. */
export interface Mutant {
  /** What is wrong, in a few words. */
  readonly name: string;
  readonly edits: readonly Edit[];
  /** The invariant that must be found violated. */
  readonly killedBy: string;
  /** It is found in one of the seeds from 1 to this one. */
  readonly withinSeeds: number;
}

/**
 * Plants the edits of one file in its text.
 * @throws Error for an edit whose text is not there, or there more than once: the code has changed, and the mutant must be
 * brought up to it.
 */
export function plant(source: string, edits: readonly Edit[]): string {
  return edits.reduce((text, { file, find, replace }) => {
    const parts = text.split(find);
    if (parts.length !== 2)
      throw new Error(`${file} has ${parts.length - 1} times what one mutant changes: ${find}`);
    return parts.join(replace);
  }, source);
}

/** Edits by the file that they change. */
export function editsByFile(edits: readonly Edit[]): [string, Edit[]][] {
  const byFile = new Map<string, Edit[]>();
  for (const edit of edits) byFile.set(edit.file, [...(byFile.get(edit.file) ?? []), edit]);
  return [...byFile];
}
