import { invalidRequest } from '../../mesh/contract/error.js';
import { userOf } from '../../mesh/rpc/context.js';
import type { Handlers } from '../../mesh/rpc/definition.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import { answerOnce } from '../../mesh/store/idempotent.js';
import {
  type PaymentServiceDefinition,
  TokenizeCardResponse,
} from '../../proto/gen/meshmart/payment/v1/payment.js';
import { brandOf, checkCard, digitsOf } from './card.js';
import type { Vault } from './vault.js';

/** TokenizeCard: from here on the number exists only sealed. The security code is checked and forgotten. */
export function tokenizeCard(
  ports: ServicePorts,
  vault: Vault,
): Handlers<typeof PaymentServiceDefinition>['tokenizeCard'] {
  const { store, clock, ids } = ports;
  return async (request, context) => {
    const problems = checkCard(request, clock.nowMs());
    const [first] = problems;
    if (first !== undefined) {
      throw invalidRequest(
        problems.map(({ field, rule, message }) => ({ field, rule, message })),
        first.reason,
      );
    }
    const { command } = context;
    // What is stored of the command is keyed by the vault, so that the number can't be guessed from it.
    const sealedCommand =
      command === undefined ? undefined : { ...command, requestHash: vault.digest(command.requestHash) };
    return answerOnce({
      store,
      context: { command: sealedCommand, trace: context.trace },
      codec: TokenizeCardResponse,
      work: async () => {
        const digits = digitsOf(request.cardNumber);
        const { expiryMonth, expiryYear } = request;
        const response: TokenizeCardResponse = {
          paymentToken: ids('tok'),
          brand: brandOf(digits),
          last4: digits.slice(-4),
          expiryMonth,
          expiryYear,
        };
        const { paymentToken: token, brand, last4 } = response;
        return {
          response,
          batch: {
            statements: [
              {
                sql: 'INSERT INTO cards (token, user_id, sealed, brand, last4, expiry_month, expiry_year) VALUES (?, ?, ?, ?, ?, ?, ?)',
                values: [
                  token,
                  userOf(context).id,
                  vault.seal(digits, token),
                  brand,
                  last4,
                  expiryMonth,
                  expiryYear,
                ],
              },
            ],
            trace: context.trace,
          },
        };
      },
    });
  };
}
