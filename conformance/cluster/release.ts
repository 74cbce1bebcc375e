import { namespace, untilSettled } from './pods.js';
import { succeed } from './program.js';

/** Name of the release that verify-cluster.sh installs. */
export const release = 'shop';

/** `helm upgrade` with what is said besides what the release has already, and waits until it is so. */
export async function upgrade(...set: readonly string[]): Promise<void> {
  await succeed(
    'helm',
    [
      ...['upgrade', release, 'helm/shop', '--namespace', namespace, '--reuse-values'],
      ...set.flatMap((text) => ['--set', text]),
    ],
    { withinMs: 120_000 },
  );
  await untilSettled();
}
