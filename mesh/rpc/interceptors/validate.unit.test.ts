import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { AddItemRequest } from '../../../proto/gen/meshmart/cart/v1/cart.js';
import { MeshError } from '../../contract/error.js';
import { loadContract } from '../../contract/image.js';
import { createValidator } from '../../contract/validation.js';
import { packageRoot } from '../../runtime/package-root.js';
import { echoPolicy } from '../echo-contract.test.js';
import { oneCall, through } from '../one-call.test.js';
import type { Body } from '../wire.js';
import { validateInterceptor } from './validate.js';

const contract = loadContract(readFileSync(join(packageRoot(), 'proto', 'image.binpb')));
const interceptor = validateInterceptor(createValidator(contract));
const method = echoPolicy('say', { input: 'meshmart.cart.v1.AddItemRequest' });
const encoded = (productId: string, quantity: number) =>
  AddItemRequest.encode(AddItemRequest.fromPartial({ productId, quantity })).finish();

const good = encoded('prd_lamp', 1);
const bad = encoded('', 100);

describe('the validate interceptor', () => {
  it('lets a request pass that keeps the rules of the contract', async () => {
    const { passed } = await through(interceptor, oneCall({ method, body: good }));
    expect(passed[0]?.body).to.deep.equal(good);
  });

  it('refuses one that breaks them, naming each field and rule', async () => {
    const { passed, error } = await through(interceptor, oneCall({ method, body: bad }));
    expect(error).to.include({ code: 'INVALID_ARGUMENT', reason: 'VALIDATION_FAILED' });
    expect(error?.violations.map((violation) => violation.field)).to.have.members(['productId', 'quantity']);
    for (const violation of error?.violations ?? []) expect(violation.rule).to.not.equal('');
    expect(passed).to.have.length(0);
  });

  it('refuses what is no such message', async () => {
    const { error } = await through(interceptor, oneCall({ method, body: new Uint8Array([0xff]) }));
    expect(error).to.include({ code: 'INVALID_ARGUMENT', reason: 'MALFORMED_REQUEST' });
  });

  it('checks each message of a stream as it is read', async () => {
    async function* requests(): AsyncGenerator<Uint8Array> {
      yield good;
      yield bad;
      yield good;
    }
    let read = 0;
    const { error } = await through(
      interceptor,
      oneCall({ method, body: requests() }),
      async ({ body }): Promise<Body> => {
        for await (const _ of body as AsyncIterable<Uint8Array>) read += 1;
        return new Uint8Array();
      },
    );
    expect(read).to.equal(1);
    expect(MeshError.from(error)).to.include({ code: 'INVALID_ARGUMENT', reason: 'VALIDATION_FAILED' });
  });
});
