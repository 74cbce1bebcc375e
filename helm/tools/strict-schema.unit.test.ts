import { Ajv } from 'ajv';
import { expect } from 'chai';
import { schemaFile, strictSchema } from './strict-schema.js';

const definitions = {
  Port: {
    type: 'object',
    properties: {
      port: { $ref: '#/definitions/io.k8s.apimachinery.pkg.util.intstr.IntOrString' },
      description: { type: 'string', description: 'A property that is called like a keyword.' },
    },
  },
  Tree: { type: 'object', properties: { child: { $ref: '#/definitions/Tree' } } },
};

const accepts = (schema: object, value: unknown) =>
  new Ajv({ strict: false, allowUnionTypes: true }).compile(schema)(value) === true;

describe('a strict schema', () => {
  const port = strictSchema({ $ref: '#/definitions/Port' }, definitions);

  it('takes what the API takes', () => {
    expect(accepts(port, { port: 80, description: 'web' })).to.equal(true);
    expect(accepts(port, { port: 'http' })).to.equal(true);
  });

  it('refuses a key that the API does not know, and a value of another type', () => {
    expect(accepts(port, { prot: 80 })).to.equal(false);
    expect(accepts(port, { port: true })).to.equal(false);
  });

  it('leaves maps and what says that it keeps all keys open', () => {
    const map = strictSchema({ type: 'object', additionalProperties: { type: 'string' } });
    expect(accepts(map, { any: 'text' })).to.equal(true);
    const open = strictSchema({
      type: 'object',
      properties: { one: { type: 'string' } },
      'x-kubernetes-preserve-unknown-fields': true,
    });
    expect(accepts(open, { other: 1 })).to.equal(true);
  });

  it('ends where a schema holds itself', () => {
    expect(
      accepts(strictSchema({ $ref: '#/definitions/Tree' }, definitions), { child: { child: {} } }),
    ).to.equal(true);
  });

  it('has the name that kubeconform asks for', () => {
    expect(schemaFile('Deployment', 'apps', 'v1')).to.equal('deployment-apps-v1.json');
    expect(schemaFile('Service', '', 'v1')).to.equal('service-v1.json');
    expect(schemaFile('VirtualService', 'networking.istio.io', 'v1')).to.equal(
      'virtualservice-networking-v1.json',
    );
  });
});
