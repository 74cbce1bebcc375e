import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';

/** Something in the sources that a rule forbids. */
export interface Violation {
  /** Short name of the rule, such as `no-clock`. */
  readonly rule: string;
  /** Path below the root, with forward slashes. */
  readonly file: string;
  /** Counts from 1. */
  readonly line: number;
  /** What is wrong and what to do instead. */
  readonly message: string;
}

/** A TypeScript source below the root. */
export interface Source {
  /** Path below the root, with forward slashes: `services/cart/service.ts`. */
  readonly path: string;
  readonly file: ts.SourceFile;
  /** True for tests and for what only tests use: those may touch the world. */
  readonly test: boolean;
}

/** The sources of the project, read once for all rules. */
export interface SourceTree {
  /** Absolute path. */
  readonly root: string;
  readonly sources: readonly Source[];
  /** Paths of code in another form than `.ts`, which the rules can't read. */
  readonly unread: readonly string[];
  /** Names of the folders in `services/`. */
  readonly services: readonly string[];
  /** Knows types across files; packages outside the project are unknown to it. */
  readonly checker: ts.TypeChecker;
}

const folders = ['mesh', 'services', 'witnesses', 'labs', 'conformance', 'proto/gen'];

const testFile = /(?:^|\/)(?:[^/]+\.test|contract-suite|test-[^/]+)\.ts$|^conformance\/|^mesh\/testing\//;

/** Reads all sources below a root. Folders that are not there are passed over. */
export function readSourceTree(root: string): SourceTree {
  const files = folders.flatMap((folder) => filesIn(join(root, folder)));
  const paths = files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'));
  const below = (path: string) => relative(root, path).replaceAll('\\', '/');
  const program = ts.createProgram({ rootNames: paths, options: compilerOptions, host: hostFor(paths) });
  const sources = paths.flatMap((path): Source[] => {
    const file = program.getSourceFile(path);
    return file === undefined ? [] : [{ path: below(path), file, test: testFile.test(below(path)) }];
  });
  const unread = files.filter((file) => /\.(?:[cm]ts|tsx|jsx|[cm]?js)$/.test(file)).map(below);
  return {
    root,
    sources,
    unread,
    services: foldersIn(join(root, 'services')),
    checker: program.getTypeChecker(),
  };
}

/** The service that a source belongs to, if it is part of one. */
export function serviceOf(path: string): string | undefined {
  return /^services\/([^/]+)\//.exec(path)?.[1];
}

/** A violation at a place in a source. */
export function violationAt(source: Source, node: ts.Node, rule: string, message: string): Violation {
  const { line } = source.file.getLineAndCharacterOfPosition(node.getStart(source.file));
  return { rule, file: source.path, line: line + 1, message };
}

/** Every node of a source, parents first. */
export function* nodesOf(node: ts.Node): Iterable<ts.Node> {
  yield node;
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => {
    children.push(child);
  });
  for (const child of children) yield* nodesOf(child);
}

/** `file:line rule: message`, as the failing test prints it. */
export function violationText({ file, line, rule, message }: Violation): string {
  return `${file}:${line} ${rule}: ${message}`;
}

const compilerOptions: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts'],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  strict: true,
  noEmit: true,
  types: [],
};

/** Files of the compiler's own library, parsed once for all trees. */
const libraries = new Map<string, ts.SourceFile | undefined>();

/** Resolves relative imports only: packages say nothing about our rules, and reading them takes seconds. */
function hostFor(paths: readonly string[]): ts.CompilerHost {
  const host = ts.createCompilerHost(compilerOptions, true);
  const known = new Set(paths);
  const libraryFolder = dirname(ts.getDefaultLibFilePath(compilerOptions));
  const parse = host.getSourceFile.bind(host);
  host.getSourceFile = (name, ...rest) => {
    if (dirname(name) !== libraryFolder) return parse(name, ...rest);
    if (!libraries.has(name)) libraries.set(name, parse(name, ...rest));
    return libraries.get(name);
  };
  host.resolveModuleNameLiterals = (literals, containingFile) =>
    literals.map(({ text }) => {
      const resolvedFileName = join(dirname(containingFile), text).replace(/\.js$/, '.ts');
      if (!text.startsWith('.') || !known.has(resolvedFileName)) return { resolvedModule: undefined };
      return { resolvedModule: { resolvedFileName, extension: ts.Extension.Ts } };
    });
  return host;
}

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesIn(path);
      return [path];
    })
    .sort();
}

function foldersIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** The text of a file below the root, or undefined when there is none. */
export function textBelow(root: string, path: string): string | undefined {
  const full = join(root, path);
  return existsSync(full) ? readFileSync(full, 'utf8') : undefined;
}
