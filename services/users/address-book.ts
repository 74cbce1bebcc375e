import { MeshError } from '../../mesh/contract/error.js';
import { userOf } from '../../mesh/rpc/context.js';
import type { Handlers } from '../../mesh/rpc/definition.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import { decideAgain } from '../../mesh/store/decide-again.js';
import { answerOnce } from '../../mesh/store/idempotent.js';
import type { Row } from '../../mesh/store/store.js';
import { Address } from '../../proto/gen/meshmart/type/v1/address.js';
import { AddAddressResponse, type UsersServiceDefinition } from '../../proto/gen/meshmart/users/v1/users.js';
import { ownUser } from './accounts.js';

type AddressBook = Pick<
  Handlers<typeof UsersServiceDefinition>,
  'listAddresses' | 'addAddress' | 'removeAddress'
>;

const maxAddresses = 20;

interface AddressRow extends Row {
  readonly id: string;
  readonly address: Uint8Array;
}

/** The addresses that an account keeps. */
export function addressBookHandlers(ports: ServicePorts): AddressBook {
  const { store, ids } = ports;
  return {
    listAddresses: async (_request, context) => {
      const rows = await store.query<AddressRow>(
        {
          sql: 'SELECT id, address FROM addresses WHERE user_id = ? ORDER BY position',
          values: [userOf(context).id],
        },
        context.trace,
      );
      return { addresses: rows.map((row) => ({ id: row.id, address: Address.decode(row.address) })) };
    },

    addAddress: (request, context) =>
      decideAgain('the address book', () =>
        answerOnce({
          store,
          context,
          codec: AddAddressResponse,
          work: async () => {
            const { id: userId } = await ownUser(ports, context);
            const [last] = await store.query<{ position: number; count: number }>(
              {
                sql: 'SELECT COALESCE(MAX(position), 0) AS position, COUNT(*) AS count FROM addresses WHERE user_id = ?',
                values: [userId],
              },
              context.trace,
            );
            if (Number(last?.count ?? 0) >= maxAddresses) {
              throw new MeshError({
                code: 'FAILED_PRECONDITION',
                reason: 'ADDRESS_LIMIT',
                message: `an account keeps at most ${maxAddresses} addresses: remove one first`,
              });
            }
            const address = Address.fromPartial(request.address ?? {});
            const id = ids('adr');
            return {
              response: { address: { id, address } },
              batch: {
                statements: [
                  {
                    // The unique position makes two additions at once meet; one of them decides again.
                    sql: 'INSERT INTO addresses (id, user_id, address, position) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
                    values: [id, userId, Address.encode(address).finish(), Number(last?.position ?? 0) + 1],
                    changes: 1,
                    guard: 'position',
                  },
                ],
                trace: context.trace,
              },
            };
          },
        }),
      ),

    removeAddress: async (request, context) => {
      const values = [request.addressId, userOf(context).id];
      const found = await store.query(
        { sql: 'SELECT id FROM addresses WHERE id = ? AND user_id = ?', values },
        context.trace,
      );
      if (found.length === 0) {
        throw new MeshError({
          code: 'NOT_FOUND',
          reason: 'ADDRESS_NOT_FOUND',
          message: `there is no address ${request.addressId}: list them first`,
        });
      }
      await store.commit({
        statements: [{ sql: 'DELETE FROM addresses WHERE id = ? AND user_id = ?', values }],
        trace: context.trace,
      });
      return {};
    },
  };
}
