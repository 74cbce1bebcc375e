import { type DescMessage, type Message, ScalarType } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import type { FieldViolation } from './error.js';

/**
 * The text fields of a message that hold a NUL character. Protobuf allows it; databases and headers don't, and nobody
 * means it.
 */
export function nulTexts(type: DescMessage, message: Message): FieldViolation[] {
  const found: FieldViolation[] = [];
  visit(reflect(type, message), '', found);
  return found;
}

function visit(message: ReflectMessage, path: string, found: FieldViolation[]): void {
  const text = (value: unknown, at: string) => {
    if (typeof value === 'string' && value.includes('\0'))
      found.push({ field: at, rule: 'string.nul', message: 'holds a NUL character' });
  };
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    const at = path === '' ? field.jsonName : `${path}.${field.jsonName}`;
    switch (field.fieldKind) {
      case 'message':
        visit(message.get(field), at, found);
        break;
      case 'scalar':
        if (field.scalar === ScalarType.STRING) text(message.get(field), at);
        break;
      case 'list': {
        let index = 0;
        for (const item of message.get(field)) {
          if (field.listKind === 'message') visit(item as ReflectMessage, `${at}[${index}]`, found);
          else text(item, `${at}[${index}]`);
          index += 1;
        }
        break;
      }
      case 'map':
        for (const [key, value] of message.get(field)) {
          text(key, `${at}["${String(key)}"]`);
          if (field.mapKind === 'message') visit(value as ReflectMessage, `${at}["${String(key)}"]`, found);
          else text(value, `${at}["${String(key)}"]`);
        }
        break;
      case 'enum':
        break;
      default:
        field satisfies never;
    }
  }
}
