/** What each kind of exporter is made from. */
export interface ExporterSettings {
  /** Full URL; without one what the exporter's own standard variables and defaults say. */
  readonly endpoint: string | undefined;
  /** Longest time that sending one batch may take, in milliseconds. */
  readonly timeoutMs: number;
}
