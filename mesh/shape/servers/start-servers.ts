export async function startServers(_o: object) {
  return { addresses: {} as Record<string,string>, environment: {} as Record<string,string>, stop: async () => undefined, forgetInstance: (_id: string) => undefined };
}
