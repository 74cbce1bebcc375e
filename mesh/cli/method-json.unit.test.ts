import { expect } from 'chai';
import { MeshError } from '../contract/error.js';
import { loadContract } from '../contract/image.js';
import { contractImage, type DynamicClient, openDynamicClient } from './dynamic-client.js';
import { methodJson } from './method-json.js';

const list = 'meshmart.catalog.v1.CatalogService/ListProducts';
const getOrder = 'meshmart.order.v1.OrderService/GetOrder';
const place = 'meshmart.order.v1.OrderService/PlaceOrder';

describe('the JSON of a call from the command line', () => {
  const image = contractImage();
  const contract = loadContract(image);
  let client: DynamicClient;
  before(() => {
    // Nothing is dialled before the first call.
    client = openDynamicClient('localhost:1', image);
  });
  after(() => client.close());

  it('takes the names that REST takes, and those of the proto files', () => {
    const { toRequest } = methodJson(contract, client, list);
    for (const request of [{ pageSize: 3 }, { page_size: 3 }])
      expect(toRequest(request)).to.deep.include({ page_size: 3 });
    const { toRequest: toOrder } = methodJson(contract, client, place);
    expect(toOrder({ expectedTotal: { currencyCode: 'EUR', units: '9007199254740993' } }))
      .to.have.property('expected_total')
      .that.deep.includes({ currency_code: 'EUR', units: '9007199254740993' });
  });

  const wrong: readonly (readonly [what: string, request: object, field: string])[] = [
    ['text for a number', { pageSize: '3' }, 'pageSize'],
    ['a fraction', { pageSize: 3.5 }, 'pageSize'],
    ['a key that is none', { pagesize: 3 }, 'pagesize'],
    ['a number for text', { pageToken: 5 }, 'pageToken'],
  ];
  for (const [what, request, field] of wrong) {
    it(`refuses ${what}, and names ${field}`, () => {
      const { toRequest } = methodJson(contract, client, list);
      expect(() => toRequest(request))
        .to.throw(MeshError)
        .that.satisfies((error: MeshError) => error.violations[0]?.field === field);
    });
  }

  it('shows an answer as REST does: camel case, 64 bits as text, times as text, defaults written out', () => {
    const { fromAnswer } = methodJson(contract, client, getOrder);
    const answer = {
      order: {
        id: 'ord_1',
        state: 'ORDER_STATE_SHIPPED',
        total: { currency_code: 'EUR', units: '9007199254740993', nanos: 0 },
        placed_at: { seconds: '1764000000', nanos: 0 },
      },
    };
    expect(fromAnswer(answer))
      .to.have.property('order')
      .that.deep.includes({
        id: 'ord_1',
        state: 'ORDER_STATE_SHIPPED',
        total: { currencyCode: 'EUR', units: '9007199254740993', nanos: 0 },
        placedAt: '2025-11-24T16:00:00Z',
        lines: [],
      });
  });
});
