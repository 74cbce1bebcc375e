import ts from 'typescript';
import {
  nodesOf,
  type Source,
  type SourceTree,
  serviceOf,
  type Violation,
  violationAt,
} from './source-tree.js';

/** Globals that no service may name, and what it uses instead. */
const forbidden: Readonly<Record<string, string>> = {
  performance: 'read the time through ports.clock',
  process: 'settings and secrets come in through ports.setting and ports.secret',
  setTimeout: 'wait through ports.timers',
  setInterval: 'wait through ports.timers, or declare a Worker',
  setImmediate: 'wait through ports.timers',
  clearTimeout: 'wait through ports.timers',
  clearInterval: 'wait through ports.timers',
  crypto: 'randomness comes in through ports.random, functions by name from node:crypto',
  randomUUID: 'make ids through ports.ids',
  randomBytes: 'draw through ports.random',
  fetch: 'use ports.fetch',
  WebSocket: 'use a port',
  EventSource: 'use a port',
  console: 'write through ports.log',
  globalThis: 'everything of the world comes in through ServicePorts',
  global: 'everything of the world comes in through ServicePorts',
  eval: 'write the code out',
  Function: 'write the code out',
  require: 'import it',
  navigator: 'settings come in through ports.setting',
  Intl: 'it follows the machine and its clock: write the format out',
};

/** Globals of which a part reads the clock or chance: the parts that are pure. */
const partly: Readonly<Record<string, { pure(name: string): boolean; instead: string }>> = {
  Date: {
    pure: (name) => ['UTC', 'parse', 'prototype'].includes(name),
    instead: 'read the time through ports.clock',
  },
  Math: { pure: (name) => name !== 'random', instead: 'draw through ports.random' },
  AbortSignal: {
    pure: (name) => name !== 'timeout',
    instead: 'give a deadline, or wait through ports.timers',
  },
};

/** The clock, chance, timers, environment and network, which services get through their ports. */
export function globalRules(tree: SourceTree): Violation[] {
  return tree.sources
    .filter((source) => !source.test && serviceOf(source.path) !== undefined)
    .flatMap((source) => globalsOf(source, tree.checker));
}

function globalsOf(source: Source, checker: ts.TypeChecker): Violation[] {
  const found: Violation[] = [];
  for (const node of nodesOf(source.file)) {
    if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword) {
      const message = "import.meta is not a service's to use: where it lies is the runtime's to know";
      found.push(violationAt(source, node, 'ambient', message));
      continue;
    }
    if (!ts.isIdentifier(node) || !isReference(node)) continue;
    const always = Object.hasOwn(forbidden, node.text) ? forbidden[node.text] : undefined;
    const part = Object.hasOwn(partly, node.text) ? partly[node.text] : undefined;
    if (always === undefined && (part === undefined || isPureUse(node, part.pure))) continue;
    if (isDeclaredHere(node, checker)) continue;
    const instead = always ?? part?.instead ?? '';
    found.push(violationAt(source, node, 'ambient', `${useOf(node)} is not a service's to use: ${instead}`));
  }
  return found;
}

/** True for a name that stands for a value, not for a property, a label or a type. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isQualifiedName(parent) || ts.isTypeReferenceNode(parent) || ts.isTypeQueryNode(parent))
    return false;
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent) || ts.isImportClause(parent)) return false;
  if (ts.isBindingElement(parent)) return parent.initializer === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  if (ts.isExpressionWithTypeArguments(parent)) return ts.isHeritageClause(parent.parent);
  const named = parent as ts.Node & { readonly name?: ts.Node };
  return named.name !== node || ts.isShorthandPropertyAssignment(parent);
}

/** `new Date(ms)`, `Date.UTC(...)`, `Math.max(...)`, `x instanceof Date`: nothing of the world is read. */
function isPureUse(node: ts.Identifier, pure: (name: string) => boolean): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return pure(parent.name.text);
  if (ts.isElementAccessExpression(parent) && parent.expression === node) {
    return ts.isStringLiteralLike(parent.argumentExpression) && pure(parent.argumentExpression.text);
  }
  if (ts.isNewExpression(parent) && parent.expression === node) {
    const [first] = parent.arguments ?? [];
    return first !== undefined && !ts.isSpreadElement(first);
  }
  return ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword;
}

/** True when a parameter, variable or import of the project has this name here: then it is not the global. */
function isDeclaredHere(node: ts.Identifier, checker: ts.TypeChecker): boolean {
  const symbol = ts.isShorthandPropertyAssignment(node.parent)
    ? checker.getShorthandAssignmentValueSymbol(node.parent)
    : checker.getSymbolAtLocation(node);
  return (symbol?.declarations ?? []).some((declaration) => !declaration.getSourceFile().isDeclarationFile);
}

/** How the use reads: `Date.now`, `new Date()`, `process`. */
function useOf(node: ts.Identifier): string {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.expression === node)
    return `${node.text}.${parent.name.text}`;
  if (ts.isNewExpression(parent) && parent.expression === node) return `new ${node.text}()`;
  return node.text;
}
