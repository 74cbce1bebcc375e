/** Who may call what, as the manifests declare it. */
export interface CallPolicy {
  /** @param caller name of the calling service. @param path `/package.Service/Method` */
  allows(caller: string, path: string): boolean;
}

/**
 * @param declared calls by caller, each as `package.Service/Method`: the `calls:` of the manifests.
 */
export function createCallPolicy(declared: Readonly<Record<string, readonly string[]>>): CallPolicy {
  const paths = new Map(
    Object.entries(declared).map(([caller, calls]) => [caller, new Set(calls.map((call) => `/${call}`))]),
  );
  return { allows: (caller, path) => paths.get(caller)?.has(path) ?? false };
}
