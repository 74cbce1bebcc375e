import { MeshError } from '../contract/error.js';
import { testContext } from '../testing/test-context.js';
import { echoPolicy } from './echo-contract.test.js';
import type { Call, Interceptor } from './interceptor.js';
import type { Body } from './wire.js';

/** A call for tests of one interceptor; a test changes what it is about. */
export function oneCall(changes: Partial<Call> = {}): Call {
  return { method: echoPolicy('say'), body: new Uint8Array([1]), context: testContext(), ...changes };
}

/** What became of a call behind one interceptor. */
export interface Outcome {
  /** The calls as they came out behind the interceptor; none when it was refused. */
  readonly passed: readonly Call[];
  readonly answer: Body | undefined;
  readonly error: MeshError | undefined;
}

/** Takes a call through one interceptor to `innermost`, which by default answers with one byte. */
export async function through(
  interceptor: Interceptor,
  call: Call,
  innermost: (call: Call) => Promise<Body> = async () => new Uint8Array([2]),
): Promise<Outcome> {
  const passed: Call[] = [];
  const next = interceptor(async (passing) => {
    passed.push(passing);
    return innermost(passing);
  });
  try {
    // An interceptor may throw before it has made a promise.
    const answer = await (async () => next(call))();
    return { passed, answer, error: undefined };
  } catch (error) {
    return { passed, answer: undefined, error: MeshError.from(error) };
  }
}
