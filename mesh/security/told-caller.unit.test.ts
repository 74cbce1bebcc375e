import { expect } from 'chai';
import { MeshError } from '../contract/error.js';
import { callerByMesh, callerByName, type ToldCaller } from './told-caller.js';

const prefix = 'spiffe://cluster.local/ns/shop/sa/';

/** Who a caller is taken for, or the code of the refusal. */
function told(caller: ToldCaller, header: string, ...values: readonly string[]): string {
  try {
    return caller((name) => (name === header ? values : []));
  } catch (error) {
    return MeshError.from(error).code;
  }
}

describe('a caller that the mesh tells', () => {
  const of = (...values: string[]) => told(callerByMesh(prefix), 'x-forwarded-client-cert', ...values);

  it('is the service account of the certificate', () => {
    expect(of(`By=${prefix}catalog;Hash=ab12;Subject="";URI=${prefix}order`)).to.equal('order');
  });

  it('is the one that the own proxy wrote, after what the caller sent', () => {
    expect(of(`By=x;URI=${prefix}gateway,By=${prefix}catalog;URI=${prefix}cart`)).to.equal('cart');
    expect(of(`URI=${prefix}gateway`, `By=${prefix}catalog;URI=${prefix}cart`)).to.equal('cart');
  });

  it('is not read out of a quoted text, whatever that holds', () => {
    expect(of(`Subject="CN=a,URI=${prefix}order;\\",URI=${prefix}order";URI=${prefix}cart`)).to.equal('cart');
    expect(of(`URI=${prefix}cart;Subject="never closed,URI=${prefix}order`)).to.equal('UNAUTHENTICATED');
  });

  for (const [what, value] of [
    ['of another namespace', 'URI=spiffe://cluster.local/ns/other/sa/order'],
    ['of another trust domain', 'URI=spiffe://evil.example/ns/shop/sa/order'],
    ['with a path behind it', `URI=${prefix}order/../gateway`],
    ['without a name', `URI=${prefix}`],
    ['with two names', `URI=${prefix}order;URI=${prefix}gateway`],
    ['without a certificate', 'By=spiffe://cluster.local/ns/shop/sa/catalog'],
    ['that is nothing', ''],
  ] as const) {
    it(`is nobody ${what}`, () => {
      expect(of(value)).to.equal('UNAUTHENTICATED');
    });
  }

  it('is nobody where no proxy has written anything', () => {
    expect(of()).to.equal('UNAUTHENTICATED');
  });

  it('needs to know how identities begin', () => {
    expect(() => callerByMesh('')).to.throw(TypeError);
    expect(() => callerByMesh('spiffe://cluster.local')).to.throw(TypeError);
  });
});

describe('a caller that names itself', () => {
  const of = (...values: string[]) => told(callerByName, 'x-mesh-caller', ...values);

  it('is whom it says, once', () => {
    expect(of('order')).to.equal('order');
    expect(of('order', 'cart')).to.equal('UNAUTHENTICATED');
  });

  it('is nobody without a name, or with one that no service may have', () => {
    for (const name of ['', 'Order', 'outside', 'a b', '../order'])
      expect(of(name), name).to.equal('UNAUTHENTICATED');
    expect(of()).to.equal('UNAUTHENTICATED');
  });
});
