import { traceText } from '../mesh/telemetry/trace-text.js';
import type { FinishedSpan } from '../mesh/telemetry/tracer.js';
import type { Failure } from './load.js';
import type { MeshProcess } from './mesh-process.js';

/** How many failures are told of: the first ones say most. */
const told = 3;

/**
 * The first failures of a load with where their time went, for the message of a test: what answered a client, and each hop
 * that the mesh still remembers of it. Empty when nothing failed.
 */
export async function failedCalls(mesh: MeshProcess, failures: readonly Failure[]): Promise<string> {
  const lines: string[] = [];
  for (const { begunAtMs, atMs, problem } of failures.slice(0, told)) {
    lines.push(`begun at ${begunAtMs} ms, over at ${atMs} ms: ${problem}`);
    const traceId = /"traceId":"([0-9a-f]{32})"/.exec(problem)?.[1];
    if (traceId !== undefined) lines.push(await hopsOf(mesh, traceId));
  }
  return lines.join('\n');
}

async function hopsOf(mesh: MeshProcess, traceId: string): Promise<string> {
  try {
    const answer = await fetch(`${mesh.adminUrl}/traces?traceId=${traceId}`);
    return traceText(((await answer.json()) as { spans: FinishedSpan[] }).spans);
  } catch (error) {
    return `its trace can't be had: ${String(error)}`;
  }
}
