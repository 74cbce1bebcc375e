import { createDispatch } from '../rpc/dispatch.js';
import { openGrpcServer } from '../rpc/grpc/server.js';
import { outside } from '../rpc/interceptors/authorise.js';
import { machineHttp } from '../runtime/outgoing-http.js';
import type { Ambient, Log } from '../runtime/ports.js';
import { type Environment, portOf, wordOf } from '../runtime/setting.js';
import { StartupError } from '../runtime/startup-error.js';
import { consulInstances } from './consul-instances.js';
import { customMetricsApi } from './custom-metrics.js';
import { externalScaler, externalScalerPolicies } from './external-scaler.js';
import { readFrontProxy } from './front-proxy.js';
import { openKubernetesApi } from './kubernetes-api.js';
import { kubernetesPods } from './kubernetes-pods.js';
import { createLoadMeter } from './load-meter.js';
import { type MetricsApiServer, openMetricsApiServer } from './metrics-api-server.js';

/** What tells others how many instances there should be. It scales nothing itself. */
export interface Autoscaler {
  /** `host:port` of KEDA's external scaler. */
  readonly scalerAddress: string;
  /** URL of the custom metrics API; only where instances are pods. */
  readonly metricsApiUrl: string | undefined;
  close(): Promise<void>;
}

/** How long calls in flight may take when it stops. */
const drainMs = 2_000;
/** Until the API server has answered once. */
const firstAnswerWithinMs = 10_000;

/**
 * Opens the external scaler, and where instances are pods the custom metrics API. AUTOSCALER_INSTANCES says where
 * instances are listed: `consul` (default) or `kubernetes`.
 * @throws StartupError for a wrong setting, a port that is taken, or what a pod must have and does not.
 */
export async function startAutoscaler(options: {
  readonly environment: Environment;
  readonly ambient: Ambient;
  readonly log: Log;
}): Promise<Autoscaler> {
  const { environment, ambient, log } = options;
  const http = machineHttp();
  const host = environment['AUTOSCALER_HOST'] || '127.0.0.1';
  const meter = createLoadMeter({ ambient, http, log });
  const source = wordOf(environment, 'AUTOSCALER_INSTANCES', ['consul', 'kubernetes'], 'consul');
  const kubernetes = source === 'kubernetes' ? openKubernetesApi(environment, http) : undefined;
  const pods = kubernetes === undefined ? undefined : kubernetesPods(kubernetes, metricsPlaceOf(environment));
  const instances =
    pods ??
    consulInstances(
      {
        address: environment['CONSUL_HTTP_ADDR'] || '127.0.0.1:8500',
        tokenFile: environment['CONSUL_HTTP_TOKEN_FILE'] || undefined,
      },
      http,
    );
  const scaler = await openGrpcServer({
    host,
    port: portOf(environment, 'AUTOSCALER_PORT', 50_061),
    portVariable: 'AUTOSCALER_PORT',
    methods: externalScalerPolicies.values(),
    dispatch: createDispatch({
      contracts: [externalScaler({ instances, meter, timers: ambient.timers })],
      policies: externalScalerPolicies,
      ambient,
    }),
    caller: outside,
  });
  let metricsApi: MetricsApiServer | undefined;
  try {
    if (kubernetes !== undefined && pods !== undefined)
      metricsApi = await openMetricsApiServer({
        host,
        port: portOf(environment, 'AUTOSCALER_METRICS_PORT', 6443),
        certificateFolder: environment['AUTOSCALER_CERTIFICATE'] || '/run/secrets/autoscaler',
        frontProxy: () => readFrontProxy(kubernetes, endingAfter(firstAnswerWithinMs, ambient)),
        api: customMetricsApi({ pods, meter, clock: ambient.clock }),
        timers: ambient.timers,
        log,
      });
  } catch (error) {
    await scaler.drain(0);
    throw error;
  }
  return {
    scalerAddress: `${host}:${scaler.port}`,
    metricsApiUrl: metricsApi === undefined ? undefined : `https://${host}:${metricsApi.port}`,
    close: async () => {
      await Promise.all([metricsApi?.close(), scaler.drain(drainMs)]);
    },
  };
}

/** Where pods tell their metrics: AUTOSCALER_POD_METRICS, port and path; default `9464/metrics`. */
function metricsPlaceOf(environment: Environment): string {
  const text = environment['AUTOSCALER_POD_METRICS'] || '9464/metrics';
  if (/^[1-9]\d{0,4}\/[\w/-]*$/.test(text)) return text;
  throw new StartupError(
    `AUTOSCALER_POD_METRICS is '${text}'`,
    'give a port and a path, such as 9464/metrics',
  );
}

function endingAfter(ms: number, { timers }: Ambient): AbortSignal {
  const ending = new AbortController();
  timers.after(ms, () => ending.abort(new Error(`no answer within ${ms} ms`)));
  return ending.signal;
}
