import { machineHttp } from '../../mesh/runtime/outgoing-http.js';
import { restClient } from '../workload/rest-client.js';
import { CallFailure } from '../workload/shop-client.js';
import type { SuccessorAnswer, SuccessorRequest } from './successor.js';

const http = machineHttp();
const say = (answer: SuccessorAnswer) => process.send?.(answer, undefined, undefined, () => undefined);

process.on('message', (message) => {
  const { number, key, cardToken, ...request } = message as SuccessorRequest;
  restClient({ ...request, http })
    .placeOrder(key, cardToken)
    .then(
      (answer) => say({ number, answer }),
      (error: unknown) => {
        const { outcome, reason } =
          error instanceof CallFailure ? error : { outcome: 'info' as const, reason: 'BROKEN' };
        say({ number, outcome, reason, message: String(error) });
      },
    );
});
