import type { experimental } from '@grpc/grpc-js';
import { defaultEjectionSettings, type EjectionSettings } from '../resilience/outlier-ejection.js';
import { roundRobinName } from '../resilience/retry-policy.js';

/** The options of `mesh_round_robin` in a service config: all of {@link EjectionSettings}, each with its default. */
export class MeshRoundRobinConfig implements experimental.TypedLoadBalancingConfig {
  readonly settings: EjectionSettings;

  constructor(settings: Partial<EjectionSettings> = {}) {
    this.settings = { ...defaultEjectionSettings, ...settings };
  }

  getLoadBalancerName(): string {
    return roundRobinName;
  }

  toJsonObject(): object {
    return { [roundRobinName]: this.settings };
  }

  /** @throws TypeError that names the option which is unknown or not a number above 0. */
  static createFromJson(json: unknown): MeshRoundRobinConfig {
    if (typeof json !== 'object' || json === null) throw new TypeError('the options must be an object');
    for (const [name, value] of Object.entries(json)) {
      if (!(name in defaultEjectionSettings)) {
        throw new TypeError(
          `${name} is not an option: use ${Object.keys(defaultEjectionSettings).join(', ')}`,
        );
      }
      if (typeof value !== 'number' || !(value > 0)) throw new TypeError(`${name} must be a number above 0`);
    }
    return new MeshRoundRobinConfig(json);
  }
}
