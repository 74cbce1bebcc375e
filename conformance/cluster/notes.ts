/** Lines that the notes of a release have to paste, and what stands before them. */
export interface NotesBlock {
  readonly title: string;
  readonly lines: readonly string[];
}

/** Reads what `helm install` prints: a sentence at the margin, and below it lines that are indented. */
export function notesBlocks(notes: string): NotesBlock[] {
  const blocks: { title: string; lines: string[] }[] = [];
  let title = '';
  for (const line of notes.split('\n')) {
    const last = blocks.at(-1);
    if (line.startsWith('  ')) {
      if (last?.title === title) last.lines.push(line.trim());
      else blocks.push({ title, lines: [line.trim()] });
    } else if (line.trim() !== '') title = line.trim();
  }
  return blocks;
}

/** The lines below a sentence that begins so, as a block to paste. @throws Error with the sentences that there are. */
export function notesBlock(notes: string, beginning: string): string {
  const blocks = notesBlocks(notes);
  const found = blocks.find(({ title }) => title.startsWith(beginning));
  if (found === undefined)
    throw new Error(
      `no lines below '${beginning}', but below: ${blocks.map(({ title }) => title).join(' | ')}`,
    );
  return found.lines.join('\n');
}
