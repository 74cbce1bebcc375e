import type { Upcasters } from '../../mesh/store/upcast.js';

/**
 * Kinds of stored events that releases before this one wrote, each to the next newer kind. There are none yet: the first
 * release wrote what is written today. The streams in released-streams/ show that they can still be read.
 */
export const upcasters: Upcasters = {};
