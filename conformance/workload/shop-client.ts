/** What a buyer can do, whatever the way to the shop: gRPC in a simulation, REST in a mesh of processes. */
export interface ShopClient {
  cart(): Promise<readonly BoughtLine[]>;
  addItem(productId: string, quantity: number, key: string): Promise<void>;
  placeOrder(key: string, cardToken: string): Promise<PlaceAnswer>;
  order(id: string): Promise<OrderView>;
  /** Every order of the buyer. */
  orders(): Promise<readonly OrderView[]>;
  cancel(id: string): Promise<OrderView>;
}

/** Pieces of a product. */
export interface BoughtLine {
  readonly productId: string;
  readonly quantity: number;
}

/** An order as the public API shows it. */
export interface OrderView {
  readonly id: string;
  /** `PLACED`, `SHIPPED`, ...: the contract's name without its prefix. */
  readonly state: string;
  readonly version: number;
  readonly lines: readonly BoughtLine[];
  /** `EUR 12.340000000`. */
  readonly total: string;
}

/** The answer to PlaceOrder, and its bytes: a repetition must get the same. */
export interface PlaceAnswer {
  readonly order: OrderView;
  readonly bytes: string;
}

/** A call that did not end well. */
export class CallFailure extends Error {
  constructor(
    /** `fail`: it did not happen. `info`: nobody knows. */
    readonly outcome: 'fail' | 'info',
    readonly reason: string,
    message: string,
  ) {
    super(message);
    this.name = 'CallFailure';
  }
}

/** States in which an order stays. */
export const finalStates: readonly string[] = ['SHIPPED', 'REJECTED', 'CANCELLED'];
