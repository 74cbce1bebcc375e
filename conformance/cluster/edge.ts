import { addressOf } from './pods.js';

/** Where customers reach the shop: the proxy that Istio makes of the Gateway. */
export interface Edge {
  readonly httpUrl: string;
  readonly grpcAddress: string;
}

/** The Service's own address: the machine that runs the tests is the cluster's node. */
export async function findEdge(): Promise<Edge> {
  const address = await addressOf('shop-istio');
  return { httpUrl: `http://${address}`, grpcAddress: `${address}:50051` };
}
