import { MeshError } from '../../mesh/contract/error.js';
import { zero } from '../../mesh/contract/money.js';
import { type CallContext, userOf } from '../../mesh/rpc/context.js';
import type { Handlers } from '../../mesh/rpc/definition.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import { answerOnce } from '../../mesh/store/idempotent.js';
import { AddItemResponse, type CartServiceDefinition } from '../../proto/gen/meshmart/cart/v1/cart.js';
import { CatalogServiceDefinition } from '../../proto/gen/meshmart/catalog/v1/catalog.js';
import { type Article, addLine, cartOf, type Line, mergeLines, removeLine, setQuantity } from './cart.js';
import { type Carts, type KeptCart, tryAgain } from './cart-store.js';

/** The methods of the cart, each for the owner that the token names. */
export function cartHandlers(ports: ServicePorts, carts: Carts): Handlers<typeof CartServiceDefinition> {
  const { documents } = ports;
  const catalog = ports.client(CatalogServiceDefinition);
  const shown = (cart: KeptCart) => ({ cart: cartOf(cart.lines, cart.version) });
  const change = async (context: CallContext, decide: (lines: readonly Line[]) => readonly Line[]) =>
    shown(await carts.change(userOf(context).id, decide, { trace: context.trace }));

  const articleOf = async (productId: string, context: CallContext): Promise<Article> => {
    const { product } = await catalog.getProduct({ id: productId }, context);
    if (product === undefined)
      throw new MeshError({
        code: 'NOT_FOUND',
        reason: 'PRODUCT_NOT_FOUND',
        message: `there is no product ${productId}`,
      });
    return { productId: product.id, productName: product.name, unitPrice: product.price ?? zero('EUR') };
  };

  return {
    getCart: async (_request, context) => shown(await carts.load(userOf(context).id, context.trace)),

    addItem: async (request, context) => {
      const owner = userOf(context).id;
      // Asked for once, and not by a repetition, whose answer is stored.
      let article: Article | undefined;
      // The answer of a keyed command is stored with its effect, so the retry goes around both.
      return tryAgain(() =>
        answerOnce({
          store: documents,
          context,
          codec: AddItemResponse,
          work: async () => {
            article ??= await articleOf(request.productId, context);
            const before = await carts.load(owner, context.trace);
            const lines = addLine(before.lines, article, request.quantity);
            return {
              response: shown({ lines, version: before.version + 1 }),
              batch: { changes: [carts.replacing(owner, before, lines)], trace: context.trace },
            };
          },
        }),
      );
    },

    updateItem: (request, context) =>
      change(context, (lines) => setQuantity(lines, request.productId, request.quantity)),

    removeItem: (request, context) => change(context, (lines) => removeLine(lines, request.productId)),

    clearCart: (_request, context) => change(context, () => []),

    mergeCart: async (request, context) => {
      const user = userOf(context);
      if (user.kind !== 'user') {
        throw new MeshError({
          code: 'PERMISSION_DENIED',
          reason: 'SCOPE_MISSING',
          message: "a guest can't take over another guest's cart: log in first",
        });
      }
      const guest = await ports.verifyToken(request.guestToken);
      if (guest.kind !== 'guest') {
        throw new MeshError({
          code: 'UNAUTHENTICATED',
          reason: 'TOKEN_INVALID',
          message: "guestToken is not a guest's token: send the one the guest had",
        });
      }
      return tryAgain(async () => {
        const [mine, theirs] = [
          await carts.load(user.id, context.trace),
          await carts.load(guest.id, context.trace),
        ];
        if (theirs.lines.length === 0) return shown(mine);
        const lines = mergeLines(mine.lines, theirs.lines);
        // What a full cart has no line for stays with the guest.
        const left = theirs.lines.filter(
          (line) => !lines.some(({ productId }) => productId === line.productId),
        );
        // Both carts change in one step: pieces are neither lost nor doubled.
        await documents.commit({
          changes: [carts.replacing(user.id, mine, lines), carts.replacing(guest.id, theirs, left)],
          trace: context.trace,
        });
        return shown({ lines, version: mine.version + 1 });
      });
    },
  };
}
