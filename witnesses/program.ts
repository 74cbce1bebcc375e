/**
 * What the witnesses' programs have in common: they say where they listen, end when the one who started them is gone,
 * and tell in one line what keeps them from starting.
 */
export interface Program {
  /** Starts, and gives what to say about where it listens. */
  start(): Promise<{ readonly listening: Record<string, string>; close(): Promise<void> }>;
}

/** Runs a witness until it is told to end. */
export function run(name: string, program: Program): void {
  program.start().then(
    ({ listening, close }) => {
      process.stdout.write(`${JSON.stringify({ listening })}\n`);
      process.send?.({ listening });
      const end = () => {
        close().then(
          () => process.exit(0),
          () => process.exit(1),
        );
      };
      process.once('SIGTERM', end);
      process.once('SIGINT', end);
      // The channel closes when the parent dies, even by kill -9.
      process.once('disconnect', end);
    },
    (error: unknown) => {
      process.stderr.write(`${name}: ${(error as Error).message.split('\n')[0]}\n`);
      process.exit(1);
    },
  );
}

/** A port setting; 0, any free port, when it is not set. @throws Error that names the variable. */
export function portOf(variable: string): number {
  const text = process.env[variable] || '0';
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  if (port < 0 || port > 65_535) throw new Error(`${variable} is '${text}': give a port from 0 to 65535`);
  return port;
}

/** What is listened on: WITNESS_HOST, or loopback. Anybody who reaches it may use it, so elsewhere something must guard it. */
export function hostOf(): string {
  return process.env['WITNESS_HOST'] || '127.0.0.1';
}

/** A setting that must be there. @throws Error that names the variable. */
export function required(variable: string): string {
  const text = process.env[variable];
  if (text === undefined || text === '') throw new Error(`${variable} is not set: name a file`);
  return text;
}

/** What is wrong with listening, as a sentence. */
export function listenError(error: NodeJS.ErrnoException, variable: string, port: number): Error {
  return error.code === 'EADDRINUSE'
    ? new Error(`port ${port} is taken: choose another with ${variable}`)
    : error;
}
