import { expect } from 'chai';
import fc from 'fast-check';
import { MeshError } from '../../mesh/contract/error.js';
import { parseJsonBody } from './json-body.js';

/** Texts that are nearly JSON. */
const jsonPieces = fc
  .array(fc.constantFrom('{', '}', '[', ']', ':', ',', '"', '\\', 'a', '1', 'null', ' ', '\n'), {
    maxLength: 30,
  })
  .map((pieces) => new Uint8Array(Buffer.from(pieces.join(''))));

const refusal = (body: string | Uint8Array): MeshError => {
  try {
    parseJsonBody(Buffer.from(body));
  } catch (error) {
    return MeshError.from(error);
  }
  throw new Error('it was taken');
};

describe('a JSON body', () => {
  it('that is broken is refused without a word of what is in it', () => {
    for (const text of [
      '{"password": hunter2secret}',
      '{"cardNumber": 4242424242424242x}',
      'hunter2secret',
      '{"a":',
    ]) {
      const error = refusal(text);
      expect(error.code).to.equal('INVALID_ARGUMENT');
      expect(error.message).to.match(/is not JSON/);
      for (const secret of ['hunter', 'secret', '4242', 'password'])
        expect(error.message).to.not.include(secret);
    }
  });

  it('with a key that stands twice is refused', () => {
    expect(refusal('{"quantity": 1, "quantity": 2}').code).to.equal('INVALID_ARGUMENT');
    expect(refusal('{"a": {"b": 1, "b": 2}}').code).to.equal('INVALID_ARGUMENT');
  });

  it('with a key that is written twice in two ways, or twice in a list of objects, is refused by its name', () => {
    for (const [text, field] of [
      ['{"id": 1, "\\u0069d": 2}', 'id'],
      ['[{"x": 1}, {"id": 1, "id": 1}]', '[1].id'],
      ['{"id": {"id": 1}, "id": 2}', 'id'],
      ['{"address": {"a": [1, {"b": 2}], "country": "DE", "country": "FR"}}', 'address.country'],
      ['{"lines": [[], {"x": ",", "to": [{"a": 1, "a": 2}]}]}', 'lines[1].to[0].a'],
    ] as const)
      expect(refusal(text).violations, text).to.deep.equal([
        { field, rule: 'json.duplicate', message: 'is there twice' },
      ]);
  });

  it('may have a key in several objects, and a key that is also a value', () => {
    for (const text of [
      '[{"id": 1}, {"id": 2}]',
      '{"id": {"id": {"id": "id"}}}',
      '{"a": "b", "b": ["a", "b:"], "c": ":"}',
    ])
      expect(parseJsonBody(Buffer.from(text))).to.deep.equal(JSON.parse(text));
  });

  it('with __proto__ is refused, however it is escaped and wherever it stands', () => {
    for (const key of ['__proto__', '\\u005f_proto__', '__pr\\u006fto__', '\\u005F\\u005Fproto__'])
      for (const [text, field] of [
        [`{"${key}": {"isAdmin": true}}`, '__proto__'],
        [`{"a": [{"${key}" \n : 1}]}`, 'a[0].__proto__'],
      ] as const)
        expect(refusal(text).violations[0], text).to.include({
          field,
          rule: 'json.unknown_key',
        });
    expect(parseJsonBody(Buffer.from('{"name": "__proto__", "b": "\\"__proto__\\": 1"}'))).to.deep.equal({
      name: '__proto__',
      b: '"__proto__": 1',
    });
  });

  it('keeps the names that objects have as keys of its own, for the strict reader to refuse', () => {
    const value = parseJsonBody(Buffer.from('{"constructor": 1, "toString": 2, "hasOwnProperty": 3}'));
    expect(Object.keys(value as object)).to.deep.equal(['constructor', 'toString', 'hasOwnProperty']);
  });

  it('is refused with a byte order mark, and when it is not UTF-8', () => {
    expect(refusal('\ufeff{}').message).to.match(/byte order mark/);
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc0, 0xaf, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0xfe, 0xff, 0, 0x7b],
    ])
      expect(refusal(Buffer.from(bytes)).message, String(bytes)).to.match(/UTF-8/);
    // Half a character at the end of one body is nothing to the next.
    expect(refusal(Buffer.from([0x22, 0xc3])).message).to.match(/UTF-8/);
    expect(parseJsonBody(Buffer.from('{"a":"\u00e9"}'))).to.deep.equal({ a: '\u00e9' });
  });

  it('may be 32 levels deep and no deeper, brackets in texts not counted', () => {
    const nested = (levels: number) => `${'[{"a":'.repeat(levels / 2)}1${'}]'.repeat(levels / 2)}`;
    expect(parseJsonBody(Buffer.from(nested(32)))).to.be.an('array');
    expect(refusal(nested(34)).message).to.match(/deeper than 32/);
    expect(refusal('['.repeat(60_000)).message).to.match(/deeper than 32/);
    expect(parseJsonBody(Buffer.from(`["${'['.repeat(100)}", "\\"{{{"]`))).to.have.length(2);
  });

  it('is looked through in a time that grows with its length alone, however it is made', () => {
    const size = 65_000;
    for (const text of [
      `"${'\\"'.repeat(size / 2)}`,
      '"'.repeat(size - 1),
      `"${'\\'.repeat(size)}`,
      `[${'"",'.repeat(size / 3)}""`,
      `{${'"":'.repeat(size / 3)}`,
      `"${'a'.repeat(size)}`,
      ':'.repeat(size),
      '[]'.repeat(size / 2),
    ]) {
      const startedMs = performance.now();
      refusal(text);
      expect(performance.now() - startedMs, text.slice(0, 20)).to.be.lessThan(500);
    }
  });

  it('is read exactly as JSON.parse reads it, or refused', () => {
    fc.assert(
      fc.property(fc.json({ depthSize: 'small' }), (text) => {
        if (text.includes('__proto__')) return;
        expect(parseJsonBody(Buffer.from(text))).to.deep.equal(JSON.parse(text));
      }),
    );
  });

  it('is refused as a MeshError, whatever bytes it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), jsonPieces), (bytes) => {
        try {
          parseJsonBody(bytes);
        } catch (error) {
          expect(MeshError.is(error), String(error)).to.equal(true);
        }
      }),
    );
  });

  it('that is good is read', () => {
    expect(parseJsonBody(Buffer.from('{"a": [1, {"b": "c"}], "d": null}'))).to.deep.equal({
      a: [1, { b: 'c' }],
      d: null,
    });
  });
});
