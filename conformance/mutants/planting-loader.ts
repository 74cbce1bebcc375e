import type { InitializeHook, LoadHook } from 'node:module';
import { type Edit, plant } from './mutant.js';

// Runs in the thread of module hooks: what the worker loads after it has registered this comes with the edits planted.

let editsOf = new Map<string, readonly Edit[]>();

/** @param edits of each module, by the end of its address. */
export const initialize: InitializeHook<readonly (readonly [string, readonly Edit[]])[]> = (edits) => {
  editsOf = new Map(edits);
};

export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context);
  const edits = [...editsOf].find(([file]) => url.endsWith(`/dist/${file}`))?.[1];
  if (edits === undefined) return loaded;
  return { ...loaded, source: plant(String(loaded.source), edits) };
};
