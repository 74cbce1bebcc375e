import type { Edge } from '../fault-proxy/switchboard.js';

/** Who stands for all callers of a server that is found by one setting. */
export const everybody = 'all';

const edge = (caller: string, callee: string): Edge => ({ caller, callee });

/** The edges of a purchase and of what follows from it. */
export const serviceEdges: readonly Edge[] = [
  edge('gateway', 'cart'),
  edge('gateway', 'order'),
  edge('gateway', 'payment'),
  edge('gateway', 'catalog'),
  edge('gateway', 'inventory'),
  edge('gateway', 'users'),
  edge('cart', 'catalog'),
  edge('order', 'cart'),
  edge('order', 'catalog'),
  edge('order', 'shipping'),
  edge('order', 'inventory'),
  edge('order', 'payment'),
  edge('inventory', 'order'),
];

/** The edges that lead out of the shop, each of all its callers at once. */
export const serverEdges = {
  cardProcessor: edge('payment', 'card processor'),
  mail: edge('notification', 'mail'),
  redis: edge(everybody, 'redis'),
  consul: edge(everybody, 'consul'),
  postgres: edge(everybody, 'postgres'),
  rabbitmq: edge(everybody, 'rabbitmq'),
  kafka: edge(everybody, 'kafka'),
} as const;

/** `order > payment`, for people. */
export const edgeText = ({ caller, callee }: Edge) => `${caller} > ${callee}`;
