import { parseDocument } from 'yaml';

const introduction = `# Values of one service that is a release of its own, beside a shop that has services.<name>.enabled=false. Made from
# helm/shop/values.yaml by: npm run helm:values. Which service it is comes with --values helm/shop/services/NAME.yaml; where
# servers are is said as it was said to the shop, by the same values files.
`;

/** The text of helm/service/values.yaml: the shop's values, and the two keys that are a service's own. */
export function serviceValues(shopValues: string): string {
  // The first paragraph is about the shop.
  const document = parseDocument(shopValues.replace(/^(#.*\n)+\n/, ''));
  document.setIn(['secrets', 'nameFormat'], '%s-secrets');
  document.set('service', {});
  document.set('options', {});
  return `${introduction}\n${document.toString({ lineWidth: 0, flowCollectionPadding: false })}`;
}
