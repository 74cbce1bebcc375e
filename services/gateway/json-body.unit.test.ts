import { expect } from 'chai';
import { MeshError } from '../../mesh/contract/error.js';
import { parseJsonBody } from './json-body.js';

const refusal = (text: string): MeshError => {
  try {
    parseJsonBody(Buffer.from(text));
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

  it('that is good is read', () => {
    expect(parseJsonBody(Buffer.from('{"a": [1, {"b": "c"}], "d": null}'))).to.deep.equal({
      a: [1, { b: 'c' }],
      d: null,
    });
  });
});
