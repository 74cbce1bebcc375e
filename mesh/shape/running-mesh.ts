/** The addresses of a running mesh. */
export interface MeshAddresses {
  readonly httpUrl: string;
  readonly grpcAddress: string;
  readonly adminUrl: string;
  readonly cardProcessorUrl: string;
  readonly mailSinkUrl: string;
  /** Name to address of the servers beside it; none in one process. */
  readonly servers?: Readonly<Record<string, string>>;
}

/** A shop that runs. */
export interface RunningMesh {
  readonly addresses: MeshAddresses;
  /** Milliseconds from the start of the process until a purchase would have worked. */
  readonly readyAfterMs: number;
  /** Ends it in order: take no more, finish what is in flight, publish events, close. */
  stop(): Promise<void>;
}

/** How long calls in flight may take to end. */
export const graceMs = 5_000;
