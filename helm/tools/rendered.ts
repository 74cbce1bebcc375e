import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { packageRoot } from '../../mesh/runtime/package-root.js';

/** An object of Kubernetes as a chart renders it. */
export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  // biome-ignore lint/suspicious/noExplicitAny: as many shapes as there are kinds.
  readonly [key: string]: any;
}

/** What `helm template` is given. */
export interface RenderOptions {
  /** Folder of the chart. Default: helm/shop. */
  readonly chart?: string;
  readonly release?: string;
  /** Default `shop`. */
  readonly namespace?: string;
  /** Of helm/shop/values-<profile>.yaml. Default `istio`. */
  readonly profile?: string;
  /** More `--values` files. */
  readonly files?: readonly string[];
  /** `--set` texts. */
  readonly set?: readonly string[];
}

/** Public keys, where a profile wants some. */
const keys = String.raw`istio.requestAuthentication.jwks=\{"keys":[]\}`;
const kubernetes = '1.34.4';
const root = packageRoot();

/** @throws Error with what helm said. */
export function render(options: RenderOptions = {}): Rendered[] {
  const { output, problem } = helmTemplate(options);
  if (problem !== undefined) throw new Error(problem);
  return parseAllDocuments(output).flatMap((document) => {
    const value = document.toJS() as Rendered | null;
    return value === null ? [] : [value];
  });
}

/** Renders what must not be. @returns what helm said. @throws Error when it renders. */
export function refusal(options: RenderOptions): string {
  const { problem } = helmTemplate(options);
  if (problem === undefined) throw new Error('it was rendered');
  return problem;
}

/** Arguments of `helm template`. */
export function templateArguments(options: RenderOptions): string[] {
  const {
    chart = join(root, 'helm/shop'),
    release = 'shop',
    namespace = 'shop',
    profile = 'istio',
    files = [],
    set = [],
  } = options;
  const values = [join(root, `helm/shop/values-${profile}.yaml`), ...files];
  return [
    ...['template', release, chart, '--namespace', namespace, '--kube-version', kubernetes],
    ...values.flatMap((file) => ['--values', file]),
    ...[keys, ...set].flatMap((text) => ['--set', text]),
  ];
}

/** An environment in which `helm` is found. */
export function helmEnvironment(): NodeJS.ProcessEnv {
  const tools = join(process.env['HOME'] ?? '', '.cache/mesh-tools/bin');
  return { ...process.env, PATH: [tools, process.env['PATH']].join(delimiter) };
}

function helmTemplate(options: RenderOptions): { output: string; problem: string | undefined } {
  const done = spawnSync('helm', templateArguments(options), {
    env: helmEnvironment(),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (done.error !== undefined) throw done.error;
  return { output: done.stdout, problem: done.status === 0 ? undefined : done.stderr };
}

/** The objects of a kind, by name. */
export function byName(objects: readonly Rendered[], kind: string): ReadonlyMap<string, Rendered> {
  return new Map(objects.filter((one) => one.kind === kind).map((one) => [one.metadata.name, one]));
}
