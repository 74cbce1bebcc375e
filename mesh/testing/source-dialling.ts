import ts from 'typescript';
import { nodesOf, type Source, type SourceTree, type Violation, violationAt } from './source-tree.js';

/**
 * No address is dialled that discovery does not know: a channel between services is opened by {@link grpcWire}, to a target
 * that is written out with its scheme, such as `consul:///${service}`.
 */
export function diallingRules(tree: SourceTree): Violation[] {
  return tree.sources
    .filter((source) => !source.test && !source.path.startsWith('proto/gen/'))
    .flatMap((source) => dialledIn(source));
}

/** The schemes that grpc-js has by itself: it would look their names up, or dial them as they stand. */
const bare = /^(?:dns|ipv4|ipv6|unix):/;

function dialledIn(source: Source): Violation[] {
  const found: Violation[] = [];
  for (const node of nodesOf(source.file)) {
    if (!ts.isCallExpression(node) || !ts.isIdentifier(node.expression)) continue;
    if (node.expression.text !== 'grpcWire') continue;
    const target = node.arguments[0];
    const beginning = target === undefined ? '' : beginningOf(target);
    if (/^[a-z]+:\/\/\//.test(beginning) && !bare.test(beginning)) continue;
    found.push(
      violationAt(
        source,
        node,
        'dialling',
        `grpcWire() takes a target of discovery, written out: grpcWire(\`consul:///\${service}\`)`,
      ),
    );
  }
  return found;
}

/** The text that a string or template begins with, whatever follows. */
function beginningOf(node: ts.Expression): string {
  if (ts.isStringLiteralLike(node)) return node.text;
  return ts.isTemplateExpression(node) ? node.head.text : '';
}
