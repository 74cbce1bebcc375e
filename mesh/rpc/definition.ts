import type { CallContext } from './context.js';

/** Encodes and decodes one message type: what ts-proto generates. */
export interface Codec<Message> {
  encode(message: Message): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Message;
  fromPartial(message: never): Message;
}

/** A method as ts-proto's generic definitions describe it. */
export interface MethodDefinition {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: any message type will do here; the derived types below are exact.
  readonly requestType: Codec<any>;
  readonly requestStream: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly responseType: Codec<any>;
  readonly responseStream: boolean;
}

/** A service as ts-proto's generic definitions describe it. */
export interface ServiceDefinition {
  readonly name: string;
  /** `meshmart.cart.v1.CartService` */
  readonly fullName: string;
  readonly methods: Readonly<Record<string, MethodDefinition>>;
}

type MessageOf<C> = C extends { decode(bytes: never): infer Message } ? Message : never;

type Builtin = Date | Uint8Array | string | number | boolean | bigint | undefined;

/** What a caller may leave out: absent fields get the proto3 default. */
export type Partially<T> = T extends Builtin
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Partially<Item>[]
    : { readonly [Key in keyof T]?: Partially<T[Key]> | undefined };

type HandlerOf<M extends MethodDefinition> = (
  request: M['requestStream'] extends true
    ? AsyncIterable<MessageOf<M['requestType']>>
    : MessageOf<M['requestType']>,
  context: CallContext,
) => M['responseStream'] extends true
  ? AsyncIterable<MessageOf<M['responseType']>>
  : Promise<MessageOf<M['responseType']>>;

type ClientMethodOf<M extends MethodDefinition> = (
  request: M['requestStream'] extends true
    ? AsyncIterable<Partially<MessageOf<M['requestType']>>>
    : Partially<MessageOf<M['requestType']>>,
  context: CallContext,
  options?: CallOptions,
) => M['responseStream'] extends true
  ? AsyncIterable<MessageOf<M['responseType']>>
  : Promise<MessageOf<M['responseType']>>;

/** What a service implements: one function for each method of the contract. */
export type Handlers<D extends ServiceDefinition> = {
  readonly [M in keyof D['methods']]: HandlerOf<D['methods'][M]>;
};

/** What a caller gets: the same methods, with `(request, context)`. */
export type Client<D extends ServiceDefinition> = {
  readonly [M in keyof D['methods']]: ClientMethodOf<D['methods'][M]>;
};

/** What a caller may say about one call beyond its context. */
export interface CallOptions {
  /** Shorter than the method's own deadline, in milliseconds. Default: the deadline option of the contract. */
  readonly deadlineMs?: number;
  /** Required where the contract says so; see MethodPolicy.idempotencyKey. */
  readonly idempotencyKey?: string;
  /** Replaces the context's user token, for calls on behalf of another identity (merging a guest's cart). */
  readonly userToken?: string;
  /** Sees the trailers of a unary answer. */
  readonly onTrailers?: (trailers: Readonly<Record<string, string>>) => void;
}
