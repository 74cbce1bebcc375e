/**
 * The world as a service sees it. Everything that is not a pure function comes in through one of these ports, so that
 * the same code runs on the machine's clock, in a test, and in a simulation.
 */

/** Reads the time. Wall time is for what people see and what is stored; monotonic time is for measuring. */
export interface Clock {
  /** Milliseconds since the Unix epoch. May step backwards when the machine's clock is set. */
  nowMs(): number;
  /** Milliseconds since some fixed moment, never going back; fractions allowed. */
  monotonicMs(): number;
}

/** Randomness. Not a source of secrets unless {@link Random.secretBytes} is used. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** `length` bytes for ids; from a seeded generator in a simulation. */
  bytes(length: number): Uint8Array;
  /** `length` bytes fit for keys, salts and tokens. */
  secretBytes(length: number): Uint8Array;
}

/** Waiting. Every wait can be ended early by an `AbortSignal`. */
export interface Timers {
  /**
   * Resolves after `delayMs` milliseconds.
   * @throws the signal's reason when it is aborted first.
   */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /**
   * Calls `task` after `delayMs` milliseconds; returns a function that cancels it.
   * A pending timer does not keep the process alive.
   */
  after(delayMs: number, task: () => void): () => void;
}

/** One structured line of log. Fields never hold card numbers, passwords, tokens or stacks of other people's errors. */
export interface Log {
  debug(fields: Record<string, unknown>, message: string): void;
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
  /** A log whose lines carry these fields as well. */
  child(fields: Record<string, unknown>): Log;
}

/** The three ports that make up time and chance. */
export interface Ambient {
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
}
