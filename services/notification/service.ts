import { implement, type Service } from '../../mesh/runtime/service.js';
import { NotificationServiceDefinition } from '../../proto/gen/meshmart/notification/v1/notification.js';
import { eventHandlers } from './event-handlers.js';
import { notificationHandlers } from './handlers.js';
import { schema } from './schema.js';
import { createSender } from './sender.js';

/** Mail from events. */
export const service: Service = {
  schema,
  build: (ports) => {
    const send = createSender(ports);
    return {
      contracts: [implement(NotificationServiceDefinition, notificationHandlers(ports))],
      events: eventHandlers(ports, () => void send()),
      // What could not be sent at once, or was left by a crash.
      workers: [{ name: 'send mail that waits', everyMs: 2_000, run: () => send() }],
      stop: () => send(),
    };
  },
};
