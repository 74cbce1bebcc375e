import ts from 'typescript';
import { parse } from 'yaml';
import {
  nodesOf,
  type Source,
  type SourceTree,
  serviceOf,
  textBelow,
  type Violation,
  violationAt,
} from './source-tree.js';

/** A `...Definition` in `proto/gen/`. */
interface Contract {
  /** `CartServiceDefinition` */
  readonly constant: string;
  /** `meshmart.cart.v1.CartService` */
  readonly fullName: string;
  readonly source: Source;
  readonly node: ts.VariableDeclaration;
}

/** The contracts, and the methods by the node that declares them. */
interface Contracts {
  readonly contracts: readonly Contract[];
  readonly methods: ReadonlyMap<ts.Node, { readonly contract: Contract; readonly call: string }>;
}

/** The parts of a manifest that the sources must agree with. */
interface DeclaredEdges {
  readonly file: string;
  readonly text: string;
  readonly implemented: readonly string[];
  readonly calls: readonly string[];
}

/** Calls that the runtime makes on behalf of a service: verifying a token needs the keys. */
const madeByTheRuntime = new Set(['meshmart.users.v1.UsersService/ListSigningKeys']);

/** Contracts, manifests and code must say the same: who implements what, and who calls whom. */
export function contractRules(tree: SourceTree): Violation[] {
  const known = contractsOf(tree);
  const implementations = tree.services.flatMap((service) => implementedBy(tree, service, known));
  return [
    ...tree.services.flatMap((service) => argumentRules(tree, service, known)),
    ...implementationRules(tree, known, implementations),
    ...tree.services.flatMap((service) => edgeRules(tree, service, known)),
  ];
}

interface Implementation {
  readonly service: string;
  readonly contract: Contract;
  readonly source: Source;
  readonly node: ts.Node;
}

/** `implement(X, ...)` and `client(X)` take what ts-proto generated, and nothing made by hand. */
function argumentRules(tree: SourceTree, service: string, known: Contracts): Violation[] {
  const found: Violation[] = [];
  for (const { source, node, name } of definitionCalls(tree, service)) {
    const [argument] = node.arguments;
    if (argument === undefined || contractOf(argument, tree.checker, known) !== undefined) continue;
    found.push(
      violationAt(
        source,
        node,
        'contract',
        `${name}() takes a definition of proto/gen, not one made by hand`,
      ),
    );
  }
  for (const source of codeOf(tree, service)) {
    for (const node of nodesOf(source.file)) {
      if (
        ts.isPropertyAssignment(node) &&
        ['requestType', 'responseType'].includes(node.name.getText(source.file))
      ) {
        found.push(
          violationAt(
            source,
            node,
            'contract',
            'methods are described in proto/ and generated, not written by hand',
          ),
        );
      }
    }
  }
  return found;
}

/** Every contract whose domain has a folder is implemented by exactly one service, and by the one that says so. */
function implementationRules(
  tree: SourceTree,
  known: Contracts,
  all: readonly Implementation[],
): Violation[] {
  const found: Violation[] = [];
  for (const contract of known.contracts) {
    const implementing = all.filter((one) => one.contract === contract);
    const domain = contract.fullName.split('.')[1] ?? '';
    if (implementing.length === 0 && tree.services.includes(domain)) {
      found.push(
        violationAt(contract.source, contract.node, 'contract', `no service implements ${contract.fullName}`),
      );
    }
    for (const { source, node, service } of implementing.slice(1)) {
      const first = implementing[0]?.service ?? '';
      const message = `${service} implements ${contract.fullName}, and so does ${first}`;
      found.push(violationAt(source, node, 'contract', message));
    }
  }
  for (const service of tree.services) {
    const manifest = edgesOf(tree, service);
    if (manifest === undefined) continue;
    const own = all.filter((one) => one.service === service);
    for (const { contract, source, node } of own) {
      if (manifest.implemented.includes(contract.fullName)) continue;
      found.push(
        violationAt(
          source,
          node,
          'manifest',
          `${manifest.file} does not list ${contract.fullName} under implements`,
        ),
      );
    }
    for (const fullName of manifest.implemented) {
      if (own.some((one) => one.contract.fullName === fullName)) continue;
      if (!known.contracts.some((contract) => contract.fullName === fullName)) continue;
      found.push(
        manifestViolation(manifest, fullName, `${fullName} is listed under implements and not implemented`),
      );
    }
  }
  return found;
}

/** What a service calls and what its manifest declares are the same. */
function edgeRules(tree: SourceTree, service: string, known: Contracts): Violation[] {
  const manifest = edgesOf(tree, service);
  if (manifest === undefined) return [];
  const found: Violation[] = [];
  const used = new Set<string>();
  for (const source of codeOf(tree, service)) {
    for (const node of nodesOf(source.file)) {
      const call = calledAt(node, tree.checker, known);
      if (call === undefined) continue;
      used.add(call);
      if (manifest.calls.includes(call)) continue;
      found.push(
        violationAt(source, node, 'manifest', `${call} is called, and ${manifest.file} does not declare it`),
      );
    }
  }
  if (passesThrough(tree, service)) return found;
  for (const call of manifest.calls) {
    if (used.has(call) || madeByTheRuntime.has(call)) continue;
    found.push(manifestViolation(manifest, call, `${call} is declared and never called`));
  }
  return found;
}

/** The gateway takes any wire and passes calls through: which ones, the contracts' HTTP annotations say. */
function passesThrough(tree: SourceTree, service: string): boolean {
  return codeOf(tree, service).some((source) => {
    for (const node of nodesOf(source.file)) if (ts.isIdentifier(node) && node.text === 'wireTo') return true;
    return false;
  });
}

/** The call that a node means: a method of a client, named by `client.method` or `const { method } = client`. */
function calledAt(node: ts.Node, checker: ts.TypeChecker, known: Contracts): string | undefined {
  const symbols: (ts.Symbol | undefined)[] = [];
  if (ts.isPropertyAccessExpression(node)) symbols.push(checker.getSymbolAtLocation(node.name));
  else if (ts.isElementAccessExpression(node))
    symbols.push(checker.getSymbolAtLocation(node.argumentExpression));
  else if (ts.isBindingElement(node) && ts.isObjectBindingPattern(node.parent)) {
    const name = node.propertyName ?? node.name;
    if (ts.isIdentifier(name)) symbols.push(checker.getTypeAtLocation(node.parent).getProperty(name.text));
  }
  for (const declaration of symbols.flatMap((symbol) => symbol?.declarations ?? [])) {
    const method = known.methods.get(declaration);
    if (method !== undefined) return method.call;
  }
  return undefined;
}

function implementedBy(tree: SourceTree, service: string, known: Contracts): Implementation[] {
  return definitionCalls(tree, service).flatMap(({ source, node, name }) => {
    const [argument] = node.arguments;
    if (name !== 'implement' || argument === undefined) return [];
    const contract = contractOf(argument, tree.checker, known);
    return contract === undefined ? [] : [{ service, contract, source, node }];
  });
}

/** Calls of `implement(...)` and `<ports>.client(...)` in a service. */
function definitionCalls(tree: SourceTree, service: string) {
  const calls: { source: Source; node: ts.CallExpression; name: 'implement' | 'client' }[] = [];
  for (const source of codeOf(tree, service)) {
    for (const node of nodesOf(source.file)) {
      if (!ts.isCallExpression(node)) continue;
      const { expression } = node;
      const name = ts.isPropertyAccessExpression(expression)
        ? expression.name.text
        : expression.getText(source.file);
      if (name === 'implement' || name === 'client') calls.push({ source, node, name });
    }
  }
  return calls;
}

function contractOf(
  argument: ts.Expression,
  checker: ts.TypeChecker,
  known: Contracts,
): Contract | undefined {
  let symbol = checker.getSymbolAtLocation(argument);
  if (symbol !== undefined && (symbol.flags & ts.SymbolFlags.Alias) !== 0)
    symbol = checker.getAliasedSymbol(symbol);
  const declarations = symbol?.declarations ?? [];
  return known.contracts.find((contract) => declarations.includes(contract.node));
}

/** Finds `export const XDefinition = { fullName, methods }` in the generated sources. */
function contractsOf(tree: SourceTree): Contracts {
  const contracts: Contract[] = [];
  const methods = new Map<ts.Node, { contract: Contract; call: string }>();
  for (const source of tree.sources) {
    if (!source.path.startsWith('proto/gen/')) continue;
    for (const statement of source.file.statements) {
      if (!ts.isVariableStatement(statement)) continue;
      for (const node of statement.declarationList.declarations) {
        const fullName = textProperty(node.initializer, 'fullName');
        if (fullName === undefined) continue;
        const contract = { constant: node.name.getText(source.file), fullName, source, node };
        contracts.push(contract);
        for (const method of propertiesOf(property(node.initializer, 'methods'))) {
          const name = textProperty(method.initializer, 'name');
          if (name !== undefined) methods.set(method, { contract, call: `${fullName}/${name}` });
        }
      }
    }
  }
  return { contracts, methods };
}

function edgesOf(tree: SourceTree, service: string): DeclaredEdges | undefined {
  const file = `services/${service}/service.yaml`;
  const text = textBelow(tree.root, file);
  if (text === undefined) return undefined;
  const manifest = (parse(text) ?? {}) as { implements?: unknown; calls?: unknown };
  return { file, text, implemented: textsOf(manifest.implements), calls: textsOf(manifest.calls) };
}

function manifestViolation({ file, text }: DeclaredEdges, subject: string, message: string): Violation {
  const line = text.split('\n').findIndex((candidate) => candidate.includes(subject)) + 1;
  return { rule: 'manifest', file, line: Math.max(1, line), message };
}

function codeOf(tree: SourceTree, service: string): Source[] {
  return tree.sources.filter((source) => !source.test && serviceOf(source.path) === service);
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function propertiesOf(node: ts.Expression | undefined): ts.PropertyAssignment[] {
  let object = node;
  while (object !== undefined && (ts.isAsExpression(object) || ts.isSatisfiesExpression(object)))
    object = object.expression;
  if (object === undefined || !ts.isObjectLiteralExpression(object)) return [];
  return object.properties.filter(ts.isPropertyAssignment);
}

function property(node: ts.Expression | undefined, name: string): ts.Expression | undefined {
  return propertiesOf(node).find(
    (candidate) => ts.isIdentifier(candidate.name) && candidate.name.text === name,
  )?.initializer;
}

function textProperty(node: ts.Expression | undefined, name: string): string | undefined {
  const value = property(node, name);
  return value !== undefined && ts.isStringLiteralLike(value) ? value.text : undefined;
}
