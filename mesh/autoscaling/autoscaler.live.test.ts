import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { jsonToBytes } from '../contract/json.js';
import { type ConsulProcess, consulProcess } from '../discovery/consul-process.test.js';
import { grpcWire } from '../rpc/grpc/channel-wire.js';
import type { Wire } from '../rpc/wire.js';
import { packageRoot } from '../runtime/package-root.js';
import { loadShop } from '../shape/loaded-shop.js';
import { type RunningInstance, startInstance } from '../shape/processes/instance.js';
import { eventually } from '../testing/eventually.js';
import { freePort } from '../testing/free-port.js';
import { type TemporaryFolder, temporaryFolder } from '../testing/temporary-folder.js';

const shop = loadShop();

/** Two instances of shipping in a real Consul, `meshmart autoscaler`, and grpcurl in KEDA's place. */
describe('meshmart autoscaler', function () {
  this.timeout(60_000);
  let consul: ConsulProcess;
  let folder: TemporaryFolder;
  let scaler: ChildProcess;
  let port: number;
  const instances: RunningInstance[] = [];

  before(async () => {
    consul = await consulProcess();
    await consul.start();
    folder = temporaryFolder();
    for (const id of ['shipping-1', 'shipping-2']) instances.push(await startShipping(id));
    port = await freePort();
    scaler = spawn(process.execPath, [join(packageRoot(), 'dist/bundle/mesh/cli/main.js'), 'autoscaler'], {
      env: { ...process.env, CONSUL_HTTP_ADDR: consul.address, AUTOSCALER_PORT: String(port) },
      stdio: 'ignore',
    });
    await eventually(() => getMetric('requests_in_flight'), { withinMs: 15_000, everyMs: 200 });
  });
  after(async () => {
    const ended = once(scaler, 'exit');
    scaler.kill('SIGTERM');
    expect(await ended).to.deep.equal([0, null]);
    await Promise.all(instances.map((instance) => instance.stop()));
    await consul.close();
    folder.remove();
  });

  const startShipping = async (id: string) => {
    const manifest = shop.manifests.find(({ name }) => name === 'shipping');
    if (manifest === undefined) throw new Error('there is no shipping');
    const environment = {
      CONSUL_HTTP_ADDR: consul.address,
      // Nobody is there, and nobody needs to be.
      REDIS_URL: 'redis://127.0.0.1:1',
      TRACES_EXPORTER: 'none',
      WORKLOAD_IDENTITY: 'named',
      DRAIN_MS: '500',
    };
    return startInstance({ shop, manifest, id, dataFolder: join(folder.path, id), environment });
  };

  /** @throws what grpcurl said. */
  const grpcurl = async (method: string, message: object, ...flags: readonly string[]) => {
    const { stdout } = await promisify(execFile)(
      'grpcurl',
      [
        ...['-plaintext', '-import-path', join(packageRoot(), 'proto/keda')],
        ...['-proto', 'externalscaler/externalscaler.proto', ...flags, '-d', JSON.stringify(message)],
        ...[`127.0.0.1:${port}`, `externalscaler.ExternalScaler/${method}`],
      ],
      { timeout: 10_000 },
    ).catch((error: { stdout: string; stderr: string }) => {
      // A stream that is watched for a while ends with the bound.
      if (flags.length > 0 && error.stdout !== '') return error;
      throw new Error(error.stderr);
    });
    return JSON.parse(stdout);
  };
  const object = { name: 'shipping', namespace: 'shop', scalerMetadata: { service: 'shipping' } };
  const getMetric = async (metricName: string): Promise<number> => {
    const { metricValues } = await grpcurl('GetMetrics', { scaledObjectRef: object, metricName });
    expect(metricValues[0].metricName).to.equal(metricName);
    return metricValues[0].metricValueFloat ?? 0;
  };

  /** So many callers, each with one call after the other at each instance, until the test has seen enough. */
  const underLoad = async (callers: number, seen: () => Promise<void>) => {
    const method = shop.policies.get('/meshmart.shipping.v1.ShippingService/QuoteShipping');
    if (method === undefined) throw new Error('there is no quote');
    const body = jsonToBytes(shop.contract, method.input, { country: 'DE' });
    const done = new AbortController();
    const wires: Wire[] = instances.map(({ addresses }) => grpcWire(`${addresses.grpcAddress}`));
    const calling = wires.flatMap((wire) =>
      Array.from({ length: callers }, async () => {
        while (!done.signal.aborted)
          await wire.call({
            method,
            body,
            metadata: { 'x-mesh-caller': 'order' },
            deadlineMs: Date.now() + 3_000,
            signal: new AbortController().signal,
          });
      }),
    );
    try {
      await seen();
    } finally {
      done.abort();
      await Promise.all(calling);
      for (const wire of wires) wire.close();
    }
  };

  it('tells the metrics to scale by, with what one instance may have', async () => {
    const scalerMetadata = { service: 'shipping', requestsInFlight: '4' };
    expect(await grpcurl('GetMetricSpec', { ...object, scalerMetadata })).to.deep.equal({
      metricSpecs: [
        { metricName: 'requests_in_flight', targetSize: '4', targetSizeFloat: 4 },
        { metricName: 'event_loop_lag_ms', targetSize: '50', targetSizeFloat: 50 },
      ],
    });
  });

  it('finds nothing to do before there is a call, and something in its stream once there are', async () => {
    expect(await grpcurl('IsActive', object)).to.deep.equal({});
    expect(await getMetric('requests_in_flight')).to.equal(0);
    await underLoad(2, async () => {
      await eventually(async () => expect(await getMetric('requests_in_flight')).to.be.within(0.01, 4), {
        withinMs: 10_000,
        everyMs: 500,
      });
    });
    expect(await grpcurl('IsActive', object)).to.deep.equal({ result: true });
    expect(await grpcurl('StreamIsActive', object, '-max-time', '2')).to.deep.equal({ result: true });
  });

  it('sees an event loop that is held up', async () => {
    const usual = await getMetric('event_loop_lag_ms');
    const untilMs = performance.now() + 400;
    while (performance.now() < untilMs);
    await eventually(async () => expect(await getMetric('event_loop_lag_ms')).to.be.greaterThan(usual), {
      withinMs: 5_000,
      everyMs: 200,
    });
  });

  it('says what is wrong with a question', async () => {
    const failure = await grpcurl('GetMetricSpec', { ...object, scalerMetadata: {} }).catch(String);
    expect(failure)
      .to.match(/InvalidArgument/)
      .and.match(/which service is meant/);
    const unknown = await grpcurl('GetMetrics', { scaledObjectRef: object, metricName: 'cpu' }).catch(String);
    expect(unknown).to.match(/use one of requests_in_flight, event_loop_lag_ms/);
  });

  it('takes a service that nobody runs for one that needs a first instance', async () => {
    const nobody = { ...object, scalerMetadata: { service: 'recommendation' } };
    expect(await grpcurl('IsActive', nobody)).to.deep.equal({ result: true });
  });
});
