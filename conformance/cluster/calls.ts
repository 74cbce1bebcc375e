import { namespace, probe } from './pods.js';

/** Methods to call at a place, with an authority. */
export interface Calls {
  /** `host:port` that is connected to. */
  readonly dial: string;
  readonly authority: string;
  readonly paths: readonly string[];
}

/** What came of a call, as the caller saw it. */
export interface Called {
  readonly dial: string;
  readonly authority: string;
  readonly path: string;
  /** HTTP's status; undefined without an answer. */
  readonly http?: number;
  /** gRPC's. */
  readonly status?: number;
  readonly message?: string;
  readonly problem?: string;
}

/** Who had the say: the mesh, the program behind it, or nobody, since the callee was not reached. */
export type Outcome = 'passed' | 'denied by the mesh' | 'denied by the program' | 'not reached';

const permissionDenied = 7;
const unavailable = 14;

/** The name and port by which a service is called, and the authority that goes with it. */
export const contractAddress = (service: string) => `${service}.${namespace}.svc.cluster.local:50051`;

/** What a call came to. Calls carry an empty message: one that passes is judged by the program, and mostly found wanting. */
export function outcomeOf({ status, message = '' }: Called): Outcome {
  if (status === undefined || status === unavailable) return 'not reached';
  if (status !== permissionDenied) return 'passed';
  return message === 'RBAC: access denied' ? 'denied by the mesh' : 'denied by the program';
}

/** Calls from a pod. */
export function callFrom(pod: string, container: string, calls: readonly Calls[]): Promise<Called[]> {
  return probe<Called[]>(pod, container, 'call-methods', { calls, withinMs: 10_000 });
}
