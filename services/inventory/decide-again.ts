import { MeshError } from '../../mesh/contract/error.js';
import { StoreConflict } from '../../mesh/store/store.js';

/** How often a decision that lost a race is made anew. */
const mostTries = 5;

/**
 * Loads, decides and commits again while somebody else is quicker.
 * @param subject what is contended, for the message.
 * @throws MeshError ABORTED (CONFLICT) after five tries.
 */
export async function decideAgain<T>(subject: string, attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof StoreConflict)) throw error;
      if (tries === mostTries) {
        throw new MeshError({
          code: 'ABORTED',
          reason: 'CONFLICT',
          message: `${subject} is being changed by others: try again`,
          cause: error,
        });
      }
    }
  }
}
