import { MeshError } from '../contract/error.js';
import { StoreConflict } from './store.js';

/**
 * Loads, decides and commits again while somebody else is quicker. A conflict of kind `inbox` or `command` is passed on at
 * once: it says that the work was done before, and no further try would change that.
 * @param subject what is contended, for the message.
 * @param mostTries how often a decision is made, the first time included. Default 5.
 * @throws MeshError ABORTED (CONFLICT) after the last try, and whatever else `attempt` throws.
 */
export async function decideAgain<T>(subject: string, attempt: () => Promise<T>, mostTries = 5): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!lostRace(error)) throw error;
      if (tries >= mostTries) {
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

function lostRace(error: unknown): boolean {
  return error instanceof StoreConflict && (error.kind === 'version' || error.kind === 'guard');
}
