import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { packageRoot } from '../../mesh/runtime/package-root.js';
import { byName, type Rendered } from './rendered.js';

/** What in a rendered text stands for something else on this machine: names of hosts, ports, paths. */
export type Replacements = readonly (readonly [string, string])[];

/** A pod of the charts that runs as a process, at a loopback address of its own in place of the pod's. */
export interface PodProcess {
  readonly name: string;
  readonly address: string;
  /** The last of what it wrote. */
  said(): string;
  /** Its exit code, or undefined while it runs. */
  code(): number | null | undefined;
  /** @returns the exit code and how long it took, in milliseconds. */
  stop(signal: NodeJS.Signals): Promise<{ readonly code: number | null; readonly tookMs: number }>;
  ended(): Promise<number | null>;
}

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } };
}

/** What it needs to run. */
export interface PodProcessOptions {
  readonly objects: readonly Rendered[];
  readonly workload: Rendered;
  readonly address: string;
  /** For what it writes, and what is mounted. */
  readonly folder: string;
  readonly replacements: Replacements;
}

/** Starts the first container of a workload: its command, its variables, its mounted files. */
export function startPodProcess(options: PodProcessOptions): PodProcess {
  const { workload, address, folder, objects } = options;
  const { name } = workload.metadata;
  const pod = workload.kind === 'Pod' ? workload['spec'] : workload['spec'].template.spec;
  const [container] = pod.containers;
  const mounts = mount(pod, container, objects, join(folder, name), options.replacements);
  const replaced = (text: string) =>
    replace(text, [...mounts, ['/app/', `${packageRoot()}/`], ...options.replacements]);
  const env = Object.fromEntries(
    ((container.env ?? []) as Variable[]).map(({ name: variable, value = '', valueFrom }) => {
      const field = { 'metadata.name': `${name}-0`, 'status.podIP': address }[
        valueFrom?.fieldRef.fieldPath ?? ''
      ];
      // Pods have a network each, and listen to all of it; here each has an address of one that is shared.
      return [variable, field ?? (value === '0.0.0.0' ? address : replaced(value))];
    }),
  );
  const [program = '', ...args] = [...container.command, ...(container.args ?? [])].map(replaced);
  const PATH = [join(process.env['HOME'] ?? '', '.cache/mesh-tools/bin'), process.env['PATH']].join(
    delimiter,
  );
  const child = spawn(program === 'node' ? process.execPath : program, args, {
    env: { PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return followed(child, name, address);
}

function followed(child: ChildProcess, name: string, address: string): PodProcess {
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-8_000);
    });
  let code: number | null | undefined;
  const ended = once(child, 'exit').then(([exit]) => {
    code = exit as number | null;
    return code;
  });
  child.once('error', (error) => {
    said += error.message;
  });
  return {
    name,
    address,
    said: () => said,
    code: () => code,
    ended: () => ended,
    stop: async (signal) => {
      const beganMs = performance.now();
      if (code === undefined) child.kill(signal);
      return { code: await ended, tookMs: performance.now() - beganMs };
    },
  };
}

/** In one go, so that nothing is replaced twice; longest names first, since one may begin with another. */
export function replace(text: string, replacements: Replacements): string {
  const sorted = [...replacements].sort(([one], [other]) => other.length - one.length);
  const pattern = sorted.map(([from]) => from.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  const found = new Map(sorted);
  return text.replace(new RegExp(pattern, 'g'), (from) => found.get(from) ?? from);
}

/** Writes what a container has mounted into a folder. @returns where each mount is instead. */
function mount(
  // biome-ignore lint/suspicious/noExplicitAny: a pod has many shapes.
  pod: any,
  // biome-ignore lint/suspicious/noExplicitAny: a container, too.
  container: any,
  objects: readonly Rendered[],
  folder: string,
  replacements: Replacements,
): Replacements {
  const secrets = byName(objects, 'Secret');
  const configs = byName(objects, 'ConfigMap');
  const mounts = container.volumeMounts as { name: string; mountPath: string }[];
  const places = mounts.map(({ mountPath }) => [mountPath, join(folder, mountPath)] as const);
  for (const { name, mountPath } of mounts) {
    const place = join(folder, mountPath);
    mkdirSync(place, { recursive: true, mode: 0o700 });
    const volume = pod.volumes.find((one: { name: string }) => one.name === name);
    const secret = secrets.get(volume?.secret?.secretName);
    for (const [file, text] of Object.entries(secret?.['data'] ?? {}))
      writeFileSync(join(place, file), Buffer.from(String(text), 'base64'), { mode: 0o440 });
    for (const [file, text] of Object.entries(secret?.['stringData'] ?? {}))
      writeFileSync(join(place, file), String(text), { mode: 0o440 });
    const config = configs.get(volume?.configMap?.name);
    for (const [file, text] of Object.entries(config?.['data'] ?? {}))
      writeFileSync(join(place, file), replace(String(text), [...places, ...replacements]));
  }
  return places;
}
