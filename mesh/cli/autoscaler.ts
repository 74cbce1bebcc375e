import { startAutoscaler } from '../autoscaling/autoscaler.js';
import { machineAmbient } from '../runtime/ambient.js';
import { wordOf } from '../runtime/setting.js';
import { logLevels, openLog } from '../telemetry/log.js';
import type { Command } from './command.js';

/** `meshmart autoscaler`: how busy the instances of services are, for what decides how many there are. */
export const autoscaler: Command = {
  name: 'autoscaler',
  summary:
    "Tell KEDA and Kubernetes' autoscaler how busy services are, by requests in flight and event-loop lag.",
  usage: '',
  options: {},
  examples: [
    'CONSUL_HTTP_ADDR=127.0.0.1:8500 meshmart autoscaler',
    `grpcurl -plaintext -import-path proto/keda -proto externalscaler/externalscaler.proto -d '{"scaledObjectRef": {"scalerMetadata": {"service": "catalog"}}, "metricName": "requests_in_flight"}' 127.0.0.1:50061 externalscaler.ExternalScaler/GetMetrics`,
  ],
  run: async (_args, terminal) => {
    const { environment } = terminal;
    const ambient = machineAmbient();
    const log = openLog({
      destination: 'stdout',
      level: wordOf(environment, 'LOG_LEVEL', logLevels, 'info'),
      clock: ambient.clock,
    });
    const toldToStop = new Promise<void>((resolve) => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
    });
    const running = await startAutoscaler({ environment, ambient, log: log.service('autoscaler') });
    const metrics =
      running.metricsApiUrl === undefined ? '' : `, the metrics API at ${running.metricsApiUrl}`;
    terminal.err(`meshmart: the external scaler listens at ${running.scalerAddress}${metrics}\n`);
    await toldToStop;
    await running.close();
    await log.close();
    return 0;
  },
};
