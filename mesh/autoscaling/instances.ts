/** An instance whose load can be asked. */
export interface Instance {
  /** Unique among the instances of its service; in Kubernetes the name of the pod. */
  readonly id: string;
  /** Where it tells its metrics. */
  readonly metricsUrl: URL;
}

/** Knows which instances a service has now. */
export interface Instances {
  /**
   * @param namespace of Kubernetes; where there are none, whatever the asker says.
   * @throws MeshError INVALID_ARGUMENT for another namespace than the own, UNAVAILABLE when it can't be known.
   */
  ofService(service: string, namespace: string, signal: AbortSignal): Promise<readonly Instance[]>;
}
