import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, createFileRegistry, fromBinary, toJson } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  AnySchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { credentials, Client as GrpcClient } from '@grpc/grpc-js';
import { expect } from 'chai';
import { MeshError } from '../../contract/error.js';
import { loadContract } from '../../contract/image.js';
import { encodeStatus } from '../../contract/status.js';
import { packageRoot } from '../../runtime/package-root.js';
import { reflectionServices } from './reflection.js';
import { type GrpcServer, openGrpcServer } from './server.js';

const contract = loadContract(readFileSync(join(packageRoot(), 'proto', 'image.binpb')));
const same = (bytes: Buffer) => bytes;
const cart = 'meshmart.cart.v1.CartService';

/** A ServerReflectionRequest with one text field: 3 file, 4 symbol, 6 extension numbers, 7 list. */
const ask = (field: number, text: string) =>
  Buffer.from(new BinaryWriter().tag(field, WireType.LengthDelimited).string(text).finish());

/** The length-delimited fields of a message, by number. */
function fieldsOf(bytes: Uint8Array): Map<number, Uint8Array[]> {
  const fields = new Map<number, Uint8Array[]>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type === WireType.LengthDelimited) fields.set(field, [...(fields.get(field) ?? []), reader.bytes()]);
    else reader.skip(type, field);
  }
  return fields;
}

const filesIn = (answer: Buffer): FileDescriptorProto[] =>
  (fieldsOf(fieldsOf(answer).get(4)?.[0] ?? new Uint8Array()).get(1) ?? []).map((bytes) =>
    fromBinary(FileDescriptorProtoSchema, bytes),
  );

for (const version of ['v1', 'v1alpha']) {
  describe(`reflection ${version}`, () => {
    let server: GrpcServer;
    let client: GrpcClient;
    before(async () => {
      const nothing = { methods: [], dispatch: () => Promise.reject(new Error('none')), caller: 'outside' };
      const services = [cart, 'grpc.health.v1.Health'];
      server = await openGrpcServer(
        { host: '127.0.0.1', port: 0, portVariable: 'GRPC_PORT', ...nothing },
        reflectionServices(contract, services),
      );
      client = new GrpcClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
    });
    after(async () => {
      client.close();
      await server.drain(0);
    });

    /** The answers to these requests on one stream, and the status that it ended with. */
    const talk = (...requests: Buffer[]) =>
      new Promise<{ answers: Buffer[]; code: number }>((resolve) => {
        const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
        const answers: Buffer[] = [];
        const call = client.makeBidiStreamRequest(path, same, same, { deadline: Date.now() + 3_000 });
        call.on('data', (bytes: Buffer) => answers.push(bytes));
        call.on('error', () => undefined);
        call.on('status', ({ code }) => resolve({ answers, code }));
        for (const request of requests) call.write(request);
        call.end();
      });
    const answerTo = async (request: Buffer) => (await talk(request)).answers[0] ?? Buffer.alloc(0);

    it('lists the services that are served, and no others', async () => {
      const list = fieldsOf(await answerTo(ask(7, ''))).get(6)?.[0] ?? new Uint8Array();
      const names = (fieldsOf(list).get(1) ?? []).map((one) =>
        Buffer.from(fieldsOf(one).get(1)?.[0] ?? []).toString(),
      );
      expect(names).to.include(cart).and.not.include('meshmart.order.v1.OrderService');
    });

    it('gives the file of a symbol with its comments, its options and all that it imports', async () => {
      const files = filesIn(await answerTo(ask(4, cart)));
      const file = files.find(({ service }) => service.some(({ name }) => name === 'CartService'));
      expect(file?.sourceCodeInfo?.location.some(({ leadingComments }) => leadingComments !== '')).to.equal(
        true,
      );
      const method = file?.service[0]?.method[0];
      expect(method?.options?.$unknown, 'options of our own').to.have.length.greaterThan(0);
      for (const { dependency } of files)
        expect(files.map(({ name }) => name)).to.include.members(dependency);
    });

    it('finds messages, methods, fields and files by name', async () => {
      for (const symbol of [
        'meshmart.cart.v1.AddItemRequest',
        `${cart}.AddItem`,
        'meshmart.cart.v1.AddItemRequest.quantity',
      ]) {
        expect(filesIn(await answerTo(ask(4, symbol))), symbol).to.have.length.greaterThan(0);
      }
      const [file] = filesIn(await answerTo(ask(3, 'meshmart/cart/v1/cart.proto')));
      expect(file?.name).to.equal('meshmart/cart/v1/cart.proto');
    });

    it('finds our options as extensions', async () => {
      const numbers = fieldsOf(await answerTo(ask(6, 'google.protobuf.MethodOptions'))).get(5);
      expect(numbers).to.have.length(1);
    });

    it('describes health and reflection themselves, with comments, so that a client can call them', async () => {
      for (const [service, methods] of [
        ['grpc.health.v1.Health', ['Check', 'List', 'Watch']],
        ['grpc.reflection.v1.ServerReflection', ['ServerReflectionInfo']],
        ['grpc.reflection.v1alpha.ServerReflection', ['ServerReflectionInfo']],
      ] as const) {
        const files = filesIn(await answerTo(ask(4, service)));
        // What is described can be linked: every name in it leads somewhere.
        const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: files }));
        expect(registry.getService(service)?.methods.map(({ name }) => name)).to.deep.equal(methods);
        expect(files[0]?.sourceCodeInfo?.location.length).to.be.greaterThan(methods.length);
      }
    });

    it('describes the health messages as the health service writes them', async () => {
      const file = filesIn(await answerTo(ask(3, 'grpc/health/v1/health.proto')));
      const registry = createFileRegistry(create(FileDescriptorSetSchema, { file }));
      const decode = (type: string, bytes: number[]) => {
        const message = registry.getMessage(`grpc.health.v1.${type}`);
        if (message === undefined) throw new Error(`there is no ${type}`);
        return toJson(message, fromBinary(message, Uint8Array.from(bytes)));
      };
      expect(decode('HealthCheckRequest', [0x0a, 1, 0x78])).to.deep.equal({ service: 'x' });
      expect(decode('HealthCheckResponse', [0x08, 2])).to.deep.equal({ status: 'NOT_SERVING' });
      expect(decode('HealthListResponse', [0x0a, 7, 0x0a, 1, 0x78, 0x12, 2, 0x08, 1])).to.deep.equal({
        statuses: { x: { status: 'SERVING' } },
      });
    });

    it('describes the details of an error as servers write them, so that its reason can be read', async () => {
      const file = filesIn(await answerTo(ask(4, 'google.rpc.ErrorInfo')));
      const registry = createFileRegistry(create(FileDescriptorSetSchema, { file }));
      const error = new MeshError({
        code: 'INVALID_ARGUMENT',
        reason: 'VALIDATION_FAILED',
        message: 'quantity: must be less',
        metadata: { limit: '99' },
        violations: [{ field: 'quantity', rule: 'int32.lte', message: 'must be less' }],
      });
      const anys = (fieldsOf(encodeStatus(error)).get(3) ?? []).map((bytes) => fromBinary(AnySchema, bytes));
      expect(anys.map((any) => toJson(AnySchema, any, { registry }))).to.deep.equal([
        {
          '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
          reason: 'VALIDATION_FAILED',
          domain: 'meshmart',
          metadata: { limit: '99' },
        },
        {
          '@type': 'type.googleapis.com/google.rpc.BadRequest',
          fieldViolations: [{ field: 'quantity', description: 'must be less', reason: 'int32.lte' }],
        },
      ]);
    });

    it('describes reflection as it speaks it', async () => {
      const name = `grpc.reflection.${version}.ServerReflection`;
      const answer = await answerTo(ask(4, name));
      const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: filesIn(answer) }));
      const type = registry.getMessage(`${name}Response`);
      if (type === undefined) throw new Error('there is no response');
      expect(toJson(type, fromBinary(type, answer))).to.deep.include({
        originalRequest: { fileContainingSymbol: name },
      });
      const refused = await answerTo(ask(4, 'no.such.Thing'));
      expect(toJson(type, fromBinary(type, refused))).to.have.nested.property('errorResponse.errorCode', 5);
    });

    it('says NOT_FOUND for what it has not, and goes on', async () => {
      const { answers, code } = await talk(ask(4, 'no.such.Thing'), ask(3, 'no.proto'), ask(7, ''));
      expect(answers.map((answer) => fieldsOf(answer).has(7))).to.deep.equal([true, true, false]);
      expect(code).to.equal(0);
    });

    it('stays up when what it is sent can not be read', async () => {
      for (const bytes of [[0x22, 0x7f], [0xff], [0x2a, 0x02, 0x0a, 0x7f]]) {
        expect((await talk(Buffer.from(bytes))).code).to.equal(3);
      }
      expect((await talk(ask(7, ''))).answers).to.have.length(1);
    });
  });
}
