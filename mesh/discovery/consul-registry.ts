import { machineHttp, type OutgoingHttp } from '../runtime/outgoing-http.js';
import type { Ambient, Log } from '../runtime/ports.js';
import { type ConsulAccess, type ConsulClient, openConsul } from './consul-client.js';
import { checkIdOf, registrationBody, requireRegistration } from './consul-registration.js';
import type { InstanceHealth, Registered, Registration, Registry } from './registry.js';

export interface ConsulRegistryOptions extends ConsulAccess {
  readonly ambient: Ambient;
  readonly log: Log;
  /** Sends the one request that the package can't. Default: over a connection of its own. */
  readonly http?: OutgoingHttp;
}

type Reached = ConsulRegistryOptions & { readonly http: OutgoingHttp };

/**
 * An instance says every 400 ms that it is there, and is out of the lists 1300 ms after it last did. Two of its words may
 * be lost.
 */
export const renewal = { everyMs: 400, ttlMs: 1_300 };

/** Longest request to Consul, and longest pause between two attempts. In milliseconds. */
const bounds = { requestMs: 1_000, pauseMs: 1_000, deregisterMs: 2_500 };

/**
 * Registers in a Consul agent, with a check that Consul holds for failed unless it is renewed in time.
 * @throws StartupError for a wrong address, or a token file that can't be read.
 */
export function createConsulRegistry(options: ConsulRegistryOptions): Registry {
  const consul = openConsul(options, options.ambient);
  const reached = { http: machineHttp(), ...options };
  return {
    register: async (registration, health) => {
      requireRegistration(registration);
      return keepRegistered(registration, health, consul, reached);
    },
    forget: async (instanceId) => {
      await withinBound(options.ambient, takeOut(consul, instanceId, options)).catch((error: unknown) => {
        options.log.warn(
          { instance: instanceId, problem: messageOf(error) },
          'a dead instance stays registered',
        );
      });
    },
  };
}

async function keepRegistered(
  registration: Registration,
  health: () => InstanceHealth,
  consul: ConsulClient,
  options: Reached,
): Promise<Registered> {
  const { ambient } = options;
  const log = options.log.child({ registered: registration.instanceId });
  const stopping = new AbortController();
  let known = false;
  let failures = 0;

  const attempt = async () => {
    const now = healthNow(health);
    try {
      // After any failure Consul may have begun anew: it is told everything again.
      if (known) await renew(consul, registration.instanceId, now);
      else await put(consul, registration, now, options);
      if (failures > 0) log.info({}, 'registered again: Consul answers');
      known = true;
      failures = 0;
    } catch (error) {
      known = false;
      failures += 1;
      // The first may only be that Consul has begun anew, and is mended at once.
      if (failures === 2)
        log.warn({ problem: messageOf(error) }, 'not registered: tried again until Consul takes it');
    }
  };

  /** The first failure is followed at once: mostly Consul is there and has only forgotten. */
  const pauseMs = () => {
    if (failures === 0) return renewal.everyMs;
    const growing = Math.min(bounds.pauseMs, 50 * 2 ** Math.min(failures, 10));
    return growing * (0.8 + 0.4 * ambient.random.next());
  };

  await attempt();
  const loop = (async () => {
    while (!stopping.signal.aborted) {
      await ambient.timers.sleep(pauseMs(), stopping.signal).catch(() => undefined);
      if (!stopping.signal.aborted) await attempt();
    }
  })();
  let ended: Promise<void> | undefined;
  return {
    current: () => known,
    deregister: () => {
      ended ??= (async () => {
        stopping.abort();
        try {
          // A renewal under way could put back what is taken out.
          await withinBound(
            ambient,
            loop.then(() => takeOut(consul, registration.instanceId, options)),
          );
        } catch (error) {
          log.warn(
            { problem: messageOf(error) },
            'not deregistered: it leaves the lists when its check runs out',
          );
        }
        known = false;
      })();
      return ended;
    },
  };
}

function healthNow(health: () => InstanceHealth): InstanceHealth {
  try {
    return health();
  } catch (error) {
    return { serving: false, problem: messageOf(error) };
  }
}

async function renew(consul: ConsulClient, instanceId: string, health: InstanceHealth): Promise<void> {
  const options = { id: checkIdOf(instanceId), timeout: bounds.requestMs, ...consul.access() };
  if (health.serving) await consul.api.agent.check.pass(options);
  else
    await consul.api.agent.check.fail({ ...options, note: (health.problem ?? 'not serving').slice(0, 500) });
}

/** By a request of our own: the package drops the virtual address. */
async function put(
  consul: ConsulClient,
  registration: Registration,
  health: InstanceHealth,
  { http, ambient }: Reached,
): Promise<void> {
  const { token } = consul.access();
  const timeout = new AbortController();
  const cancel = ambient.timers.after(bounds.requestMs, () =>
    timeout.abort(new Error(`no answer within ${bounds.requestMs} ms`)),
  );
  try {
    const { status, body } = await http({
      method: 'PUT',
      url: new URL('/v1/agent/service/register?replace-existing-checks=true', consul.url),
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { 'x-consul-token': token }),
      },
      body: JSON.stringify(registrationBody(registration, health, renewal.ttlMs)),
      signal: timeout.signal,
    });
    if (status < 200 || status > 299)
      throw new Error(`Consul answered ${status} ${body.slice(0, 200)}`.trim());
  } finally {
    cancel();
  }
}

/** Tries again until Consul has done it; the caller sets the bound. */
async function takeOut(
  consul: ConsulClient,
  instanceId: string,
  { ambient }: ConsulRegistryOptions,
): Promise<void> {
  const endMs = ambient.clock.monotonicMs() + bounds.deregisterMs;
  for (;;) {
    try {
      const options = { id: instanceId, timeout: bounds.requestMs, ...consul.access() };
      await consul.api.agent.service.deregister(options);
      return;
    } catch (error) {
      // It is not there, which is what was wanted.
      if ((error as { response?: { statusCode?: number } }).response?.statusCode === 404) return;
      if (ambient.clock.monotonicMs() > endMs) throw error;
      await ambient.timers.sleep(200);
    }
  }
}

async function withinBound(ambient: Ambient, work: Promise<void>): Promise<void> {
  const ended = new AbortController();
  const bound = ambient.timers.sleep(bounds.deregisterMs, ended.signal).then(() => {
    throw new Error(`Consul did not answer within ${bounds.deregisterMs} ms`);
  });
  try {
    await Promise.race([work, bound]);
  } finally {
    ended.abort();
  }
}

function messageOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return `${error instanceof Error ? error.message : String(error)}${cause}`.slice(0, 200);
}
