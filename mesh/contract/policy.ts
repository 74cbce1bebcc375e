import { type DescExtension, type DescMethod, type DescService, getOption } from '@bufbuild/protobuf';
import type { Contract } from './image.js';

export const priorities = ['critical', 'high', 'normal', 'low'] as const;
/** Class of a call: what is shed last when there is too much to do. */
export type Priority = (typeof priorities)[number];

export const exposures = ['public', 'user', 'internal', 'operator'] as const;
/** Who may call: anybody, whoever has a token with the scope, only declared services, or an operator. */
export type Exposure = (typeof exposures)[number];

/** A way to call a method over REST, from `google.api.http`. */
export interface HttpBinding {
  readonly verb: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `/v1/orders/{id}:cancel` */
  readonly template: string;
  /** `*` for the whole request, a field's name for that field, empty for none. */
  readonly body: string;
}

/** What the contract says about one method. */
export interface MethodPolicy {
  /** `/meshmart.cart.v1.CartService/AddItem` */
  readonly path: string;
  /** `meshmart.cart.v1.CartService` */
  readonly service: string;
  /** `AddItem` */
  readonly method: string;
  readonly kind: 'unary' | 'server_streaming' | 'client_streaming' | 'bidi_streaming';
  /** Full names of the messages. */
  readonly input: string;
  readonly output: string;
  /** How long a caller waits when nothing shorter is asked for. */
  readonly deadlineMs: number;
  readonly priority: Priority;
  readonly exposure: Exposure;
  /** For `user`: what the token must allow. */
  readonly scope: string;
  /** `idempotency_level` of the method: whether repeating it is safe. */
  readonly idempotency: 'unknown' | 'no_side_effects' | 'idempotent';
  /** Whether an `idempotency-key` is taken. */
  readonly idempotencyKey: 'none' | 'optional' | 'required';
  /** How long an answer may be given again; 0 means not at all. */
  readonly cacheableForMs: number;
  /** REST status of a successful answer. */
  readonly httpStatus: number;
  readonly http: readonly HttpBinding[];
}

/** Policies by path. */
export type Policies = ReadonlyMap<string, MethodPolicy>;

const optionsPackage = 'meshmart.options.v1';

/**
 * Reads the policies of all services in a package that begins with `prefix`.
 * @throws Error that names the method whose options are missing or incomplete.
 */
export function readPolicies(contract: Contract, prefix = 'meshmart.'): Policies {
  const policies = new Map<string, MethodPolicy>();
  for (const type of contract.registry) {
    if (type.kind !== 'service' || !type.typeName.startsWith(prefix)) continue;
    for (const method of type.methods) {
      const policy = policyOf(contract, type, method);
      policies.set(policy.path, policy);
    }
  }
  return policies;
}

/** The shape of our option message, as protobuf-es reads it without generated code. */
interface RawPolicy {
  readonly deadline?: { readonly seconds: bigint; readonly nanos: number };
  readonly priority: number;
  readonly exposure: number;
  readonly scope: string;
  readonly idempotencyKey: number;
  readonly cacheableFor?: { readonly seconds: bigint; readonly nanos: number };
  readonly httpStatus: number;
}

function policyOf(contract: Contract, service: DescService, method: DescMethod): MethodPolicy {
  const path = `/${service.typeName}/${method.name}`;
  const option = contract.registry.getExtension(`${optionsPackage}.method`);
  if (option === undefined) throw new Error(`the image has no option ${optionsPackage}.method`);
  const raw = optionOf(method, option) as RawPolicy;
  const priority = priorities[raw.priority - 1];
  const exposure = exposures[raw.exposure - 1];
  const deadlineMs = millisOf(raw.deadline);
  if (priority === undefined || exposure === undefined || deadlineMs <= 0) {
    throw new Error(`${path} needs option (${optionsPackage}.method) with deadline, priority and exposure`);
  }
  if ((exposure === 'user') !== (raw.scope !== '')) {
    throw new Error(`${path}: a scope belongs to EXPOSURE_USER, and only there`);
  }
  return {
    path,
    service: service.typeName,
    method: method.name,
    kind: method.methodKind,
    input: method.input.typeName,
    output: method.output.typeName,
    deadlineMs,
    priority,
    exposure,
    scope: raw.scope,
    idempotency: (['unknown', 'no_side_effects', 'idempotent'] as const)[method.idempotency] ?? 'unknown',
    idempotencyKey: (['none', 'optional', 'required'] as const)[raw.idempotencyKey] ?? 'none',
    cacheableForMs: millisOf(raw.cacheableFor),
    httpStatus: raw.httpStatus === 0 ? 200 : raw.httpStatus,
    http: httpBindingsOf(contract, method),
  };
}

/** Options that are known only at run time have no static type. */
function optionOf(method: DescMethod, option: DescExtension): unknown {
  return (getOption as (element: DescMethod, option: DescExtension) => unknown)(method, option);
}

function millisOf(duration: RawPolicy['deadline']): number {
  return duration === undefined ? 0 : Number(duration.seconds) * 1_000 + duration.nanos / 1e6;
}

interface RawHttpRule {
  readonly pattern: { readonly case: string | undefined; readonly value?: unknown };
  readonly body: string;
  readonly additionalBindings: readonly RawHttpRule[];
}

function httpBindingsOf(contract: Contract, method: DescMethod): HttpBinding[] {
  const option = contract.registry.getExtension('google.api.http');
  if (option === undefined) return [];
  const rule = optionOf(method, option) as RawHttpRule;
  return [rule, ...rule.additionalBindings].flatMap(({ pattern, body }) => {
    const verb = pattern.case?.toUpperCase();
    if (verb === undefined) return [];
    if (verb === 'CUSTOM')
      throw new Error(`${method.parent.typeName}/${method.name}: custom HTTP verbs are not supported`);
    return [{ verb: verb as HttpBinding['verb'], template: String(pattern.value), body }];
  });
}
