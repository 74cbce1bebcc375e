import type { Contract } from '../../mesh/contract/image.js';

/** Field numbers of descriptor.proto that make up the path of a comment. */
const inFile = { message: 4, service: 6 };
const inMessage = { field: 2, nested: 3 };
const inService = { method: 2 };

/**
 * Leading comments by full name (`meshmart.cart.v1.CartLine.quantity`), from the image's source information
 * (descriptor.proto, SourceCodeInfo).
 */
export function commentsOf(contract: Contract): ReadonlyMap<string, string> {
  const comments = new Map<string, string>();
  for (const file of contract.files.file) {
    if (!file.package.startsWith('meshmart.')) continue;
    const byPath = new Map(
      (file.sourceCodeInfo?.location ?? []).map((location) => [
        location.path.join('.'),
        location.leadingComments,
      ]),
    );
    const note = (name: string, ...path: number[]) => {
      const comment = byPath.get(path.join('.'));
      if (comment !== undefined && comment !== '') comments.set(name, comment.replace(/^ /gm, '').trim());
    };
    file.messageType.forEach((message, m) => {
      const name = `${file.package}.${message.name}`;
      note(name, inFile.message, m);
      for (const [f, field] of message.field.entries()) {
        note(`${name}.${field.name}`, inFile.message, m, inMessage.field, f);
      }
      for (const [n, nested] of message.nestedType.entries()) {
        note(`${name}.${nested.name}`, inFile.message, m, inMessage.nested, n);
      }
    });
    file.service.forEach((service, s) => {
      const name = `${file.package}.${service.name}`;
      note(name, inFile.service, s);
      for (const [m, method] of service.method.entries()) {
        note(`${name}.${method.name}`, inFile.service, s, inService.method, m);
      }
    });
  }
  return comments;
}
