import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import ts from 'typescript';
import {
  nodesOf,
  type Source,
  type SourceTree,
  serviceOf,
  type Violation,
  violationAt,
} from './source-tree.js';

/** Pages of `mesh/` that a service may import: what the runtime promises to those who write services. */
const publicPages = [
  /^mesh\/contract\/[^/]+$/,
  /^mesh\/rpc\/(?:context|definition)$/,
  /^mesh\/store\/(?!sqlite|contract-suite)[^/]+$/,
  /^mesh\/bus\/(?:bus|consumer)$/,
  /^mesh\/runtime\/(?:service|ports|id|startup-error|number-setting)$/,
  /^mesh\/security\/[^/]+$/,
  /^mesh\/telemetry\/(?:tracer|trace-context)$/,
];

/** What single services may import beyond that, each for its reason. */
const exceptions: Readonly<
  Record<string, { pages: readonly RegExp[]; packages: readonly string[]; types: readonly string[] }>
> = {
  // The edge: it speaks HTTP, refuses as the servers do, and passes bytes on to whatever service owns a method.
  gateway: {
    pages: [/^mesh\/runtime\/edge$/, /^mesh\/rpc\/(?:wire|interceptor|interceptors\/authorise)$/],
    packages: ['fastify', '@bufbuild/protobuf'],
    types: ['node:http'],
  },
};

/** Of `node:crypto`: what computes. What draws random numbers comes in through the Random port. */
const pureCrypto = new Set([
  'createCipheriv',
  'createDecipheriv',
  'createHash',
  'createHmac',
  'createPrivateKey',
  'createPublicKey',
  'createSecretKey',
  'hash',
  'hkdf',
  'hkdfSync',
  'KeyObject',
  'pbkdf2',
  'pbkdf2Sync',
  'scrypt',
  'scryptSync',
  'sign',
  'timingSafeEqual',
  'verify',
]);

const builtins = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));

/** Folders whose production code may import a package that is a room's own. */
const confined: Readonly<Record<string, readonly string[]>> = {
  '@grpc/grpc-js': ['mesh/rpc/grpc/', 'mesh/discovery/', 'mesh/balancing/', 'mesh/cli/'],
  '@grpc/proto-loader': ['mesh/cli/'],
  // What proto-loader and ts-proto are made of: messages come from proto/gen, dynamic ones from proto-loader.
  protobufjs: [],
  'ts-proto': [],
  'google-protobuf': [],
  'grpc-tools': [],
};

/** An import, export-from, dynamic import or require. */
interface Import {
  readonly node: ts.Node;
  /** Undefined when it is computed. */
  readonly specifier: string | undefined;
  readonly typeOnly: boolean;
  /** Names imported; undefined when the whole module is (`* as`, default, `import()`). */
  readonly names: readonly string[] | undefined;
}

/** What sources import, and may not. */
export function importRules(tree: SourceTree): Violation[] {
  return tree.sources
    .filter((source) => !source.test && !source.path.startsWith('proto/gen/'))
    .flatMap((source) => {
      const service = serviceOf(source.path);
      return importsOf(source).flatMap((found) => {
        const report = (rule: string, message: string) => [violationAt(source, found.node, rule, message)];
        const confinedTo = found.specifier === undefined ? undefined : confined[packageOf(found.specifier)];
        if (confinedTo !== undefined && !confinedTo.some((folder) => source.path.startsWith(folder))) {
          const where = confinedTo.length === 0 ? 'nowhere' : `only in ${confinedTo.join(', ')}`;
          return report('confined-package', `${found.specifier} may be imported ${where}`);
        }
        const layer = layerProblem(source, found);
        if (layer !== undefined) return report('layer', layer);
        const problem = service === undefined ? undefined : serviceProblem(service, source, found);
        return problem === undefined ? [] : report('service-import', problem);
      });
    });
}

/** Folders whose production code may not import from others: the runtime carries any service, a witness trusts nobody. */
const layers: Readonly<Record<string, readonly string[]>> = {
  mesh: ['services', 'witnesses', 'labs'],
  witnesses: ['mesh', 'services', 'labs', 'proto', 'conformance'],
};

/** Why the folder that a source is in may not import this, or undefined when it may. */
function layerProblem(source: Source, { specifier }: Import): string | undefined {
  if (specifier === undefined || !specifier.startsWith('.')) return undefined;
  const [from = ''] = source.path.split('/');
  const [to = ''] = posix.join(posix.dirname(source.path), specifier).split('/');
  if (!layers[from]?.includes(to)) return undefined;
  return `${from}/ may not import from ${to}/: it has to work without it`;
}

/** Why a service may not import this, or undefined when it may. */
function serviceProblem(service: string, source: Source, found: Import): string | undefined {
  const { specifier } = found;
  if (specifier === undefined) return 'a computed import can not be checked: write the name of the module';
  const allowed = exceptions[service];
  if (specifier.startsWith('.')) return pathProblem(service, source, specifier);
  if (builtins.has(specifier)) {
    if (specifier === 'node:buffer' || (found.typeOnly && allowed?.types.includes(specifier)))
      return undefined;
    if (specifier === 'node:crypto') return cryptoProblem(found);
    return `${specifier} reaches outside the service: everything of the world comes in through ServicePorts`;
  }
  if (allowed?.packages.includes(packageOf(specifier))) return undefined;
  return `${specifier} is a package: services use the pages of mesh/ and proto/gen only`;
}

function pathProblem(service: string, source: Source, specifier: string): string | undefined {
  const target = posix.join(posix.dirname(source.path), specifier).replace(/\.[jt]s$/, '');
  const other = serviceOf(`${target}.ts`);
  if (other === service) {
    const testCode = /(?:\.test|\/contract-suite|\/test-[^/]+)$/.test(target);
    return testCode ? `${target} is code of tests` : undefined;
  }
  if (other !== undefined) return `${target} belongs to service ${other}: call it through its contract`;
  if (target.startsWith('proto/gen/')) return undefined;
  if ([...publicPages, ...(exceptions[service]?.pages ?? [])].some((page) => page.test(target)))
    return undefined;
  return `${target} is not a public page of mesh/: see publicPages in mesh/testing/source-imports.ts`;
}

function cryptoProblem({ names, typeOnly }: Import): string | undefined {
  if (typeOnly) return undefined;
  if (names === undefined) return 'import the functions of node:crypto by name';
  const impure = names.filter((name) => !pureCrypto.has(name));
  if (impure.length === 0) return undefined;
  return `${impure.join(', ')} of node:crypto: randomness comes in through the Random port`;
}

function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function importsOf(source: Source): Import[] {
  const found: Import[] = [];
  for (const node of nodesOf(source.file)) {
    if (ts.isImportDeclaration(node)) {
      found.push({ node, specifier: literal(node.moduleSpecifier), ...clauseOf(node.importClause) });
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      const names = node.exportClause !== undefined && ts.isNamedExports(node.exportClause);
      found.push({
        node,
        specifier: literal(node.moduleSpecifier),
        typeOnly: node.isTypeOnly,
        names: names ? elementNames(node.exportClause.elements) : undefined,
      });
    } else if (ts.isImportTypeNode(node)) {
      const specifier = ts.isLiteralTypeNode(node.argument) ? literal(node.argument.literal) : undefined;
      found.push({ node, specifier, typeOnly: true, names: undefined });
    } else if (ts.isExternalModuleReference(node)) {
      found.push({ node, specifier: literal(node.expression), typeOnly: false, names: undefined });
    } else if (ts.isCallExpression(node) && isImportCall(node)) {
      found.push({ node, specifier: literal(node.arguments[0]), typeOnly: false, names: undefined });
    }
  }
  return found;
}

function isImportCall({ expression }: ts.CallExpression): boolean {
  return (
    expression.kind === ts.SyntaxKind.ImportKeyword ||
    (ts.isIdentifier(expression) && expression.text === 'require')
  );
}

function clauseOf(clause: ts.ImportClause | undefined): Pick<Import, 'typeOnly' | 'names'> {
  const bindings = clause?.namedBindings;
  if (
    clause === undefined ||
    clause.name !== undefined ||
    bindings === undefined ||
    !ts.isNamedImports(bindings)
  ) {
    return { typeOnly: clause?.isTypeOnly ?? false, names: undefined };
  }
  const typeOnly = clause.isTypeOnly || bindings.elements.every((element) => element.isTypeOnly);
  return { typeOnly, names: elementNames(bindings.elements.filter((element) => !element.isTypeOnly)) };
}

function elementNames(elements: Iterable<ts.ImportSpecifier | ts.ExportSpecifier>): string[] {
  return Array.from(elements, (element) => (element.propertyName ?? element.name).text);
}

function literal(node: ts.Node | undefined): string | undefined {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined;
}
