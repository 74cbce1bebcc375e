import type { RunningMesh } from '../shape/running-mesh.js';

/** What `meshmart up` prints when the shop is ready: the addresses, and a purchase to paste. */
export function welcome(mesh: Pick<RunningMesh, 'addresses' | 'readyAfterMs'>): string {
  const { httpUrl, grpcAddress, adminUrl, cardProcessorUrl, mailSinkUrl, servers = {} } = mesh.addresses;
  const beside = Object.entries(servers).map(([name, address]) => `  ${name.padEnd(15)} ${address}\n`);
  return `Meshmart is ready (${(mesh.readyAfterMs / 1_000).toFixed(2)} s).

  shop            ${httpUrl}          REST, and a page that links to everything
  gRPC            ${grpcAddress}               reflection is on: grpcurl -plaintext ${grpcAddress} list
  metrics         ${adminUrl}/metrics
  card processor  ${cardProcessorUrl}/v1/ledger
  mail            ${mailSinkUrl}
${beside.join('')}
A purchase to paste (needs curl and jq):

  SHOP=${httpUrl}; J='content-type: application/json'; EMAIL="you-$RANDOM$RANDOM@example.com"
  curl -s $SHOP/v1/users -H "$J" -d '{"email":"'$EMAIL'","password":"correct horse","name":"You"}' | jq -c .
  TOKEN=$(curl -s $SHOP/v1/sessions -H "$J" -d '{"email":"'$EMAIL'","password":"correct horse"}' | jq -r .token); A="authorization: Bearer $TOKEN"
  PRODUCT=$(curl -s "$SHOP/v1/products:search?q=lamp" | jq -r '.products[0].id')
  curl -s $SHOP/v1/cart/items -H "$A" -H "$J" -d '{"productId":"'$PRODUCT'","quantity":1}' | jq -c .cart.subtotal
  PAYMENT=$(curl -s $SHOP/v1/payment-methods -H "$A" -H "$J" -d '{"cardNumber":"4242424242424242","expiryMonth":12,"expiryYear":2034,"cvc":"123","holder":"You"}' | jq -r .paymentToken)
  ORDER=$(curl -s $SHOP/v1/orders -H "$A" -H "$J" -H "idempotency-key: $RANDOM$RANDOM" -d '{"paymentToken":"'$PAYMENT'","shippingOptionId":"standard","shippingAddress":{"name":"You","line1":"Unter den Linden 1","city":"Berlin","postalCode":"10117","country":"DE"}}' | jq -r .order.id)
  curl -s $SHOP/v1/orders/$ORDER -H "$A" | jq '.order | {id, state, total}'
  npx meshmart trace $ORDER

Stop with Ctrl-C or meshmart down.
`;
}
