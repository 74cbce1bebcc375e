import type { Terminal } from '../../cli/command.js';
import { StartupError } from '../../runtime/startup-error.js';
import { type FromInstance, instanceVariables, type ToInstance } from './channel.js';
import type { RunningInstance } from './instance.js';

/** How long an instance that was asked to stop serves on until another has taken its place. */
const replacedWithinMs = 8_000;

/**
 * The life of a process that is one instance: starts it, tells the supervisor if there is one, and stays until it is told
 * to stop. A SIGTERM from somebody else lets the supervisor start a replacement first; when the supervisor goes, it goes.
 * @returns the exit code.
 */
export async function instanceLife(
  self: NodeJS.Process,
  terminal: Pick<Terminal, 'environment' | 'err'>,
  start: (id: string) => Promise<RunningInstance>,
): Promise<number> {
  const supervised = self.channel !== undefined && self.channel !== null;
  const tell = (message: FromInstance) => {
    if (self.connected) self.send?.(message, undefined, undefined, () => undefined);
  };
  const told = (message: FromInstance) =>
    new Promise<void>((resolve) => {
      if (self.connected) self.send?.(message, undefined, undefined, () => resolve());
      else resolve();
    });
  const toldToStop = new Promise<'stop' | 'replaced' | 'alone'>((resolve) => {
    self.on('message', (message: ToInstance) => resolve(message.kind));
    self.on('disconnect', () => resolve('alone'));
  });
  const signal = new Promise<NodeJS.Signals>((resolve) => {
    self.on('SIGTERM', resolve);
    // Ctrl-C reaches the whole process group; under a supervisor it is the supervisor's to end things in order.
    self.on('SIGINT', supervised ? () => undefined : resolve);
  });
  const id = terminal.environment[instanceVariables.id] || `${self.pid}`;
  let instance: RunningInstance;
  try {
    instance = await start(id);
  } catch (error) {
    if (error instanceof StartupError) await told({ kind: 'failed', line: error.message });
    // Who listens to its supervisor lives as long as the channel does.
    if (self.connected) self.disconnect?.();
    throw error;
  }
  instance.onHealth((health) => tell({ kind: 'health', health }));
  tell({ kind: 'listening', addresses: instance.addresses });
  if (!supervised)
    terminal.err(
      `meshmart: ${id} serves at ${instance.addresses.grpcAddress ?? instance.addresses.httpUrl}\n`,
    );
  const first = await Promise.race([signal, toldToStop]);
  if (supervised && first === 'SIGTERM') {
    tell({ kind: 'leaving' });
    await Promise.race([toldToStop, new Promise((resolve) => setTimeout(resolve, replacedWithinMs).unref())]);
  }
  await instance.stop();
  if (self.connected) self.disconnect?.();
  return 0;
}
