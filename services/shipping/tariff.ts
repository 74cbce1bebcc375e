import { MeshError } from '../../mesh/contract/error.js';
import { fromCents } from '../../mesh/contract/money.js';
import type { ShippingOption } from '../../proto/gen/meshmart/shipping/v1/shipping.js';

/** Zones from the warehouse in Germany outwards. */
type Zone = 'domestic' | 'near' | 'union' | 'europe' | 'world';

const countries: Readonly<Record<Zone, readonly string[]>> = {
  domestic: ['DE'],
  near: ['AT', 'BE', 'CZ', 'DK', 'FR', 'LU', 'NL', 'PL'],
  union: [
    'BG',
    'CY',
    'EE',
    'ES',
    'FI',
    'GR',
    'HR',
    'HU',
    'IE',
    'IT',
    'LT',
    'LV',
    'MT',
    'PT',
    'RO',
    'SE',
    'SI',
    'SK',
  ],
  europe: [
    'AD',
    'AL',
    'BA',
    'CH',
    'GB',
    'IS',
    'LI',
    'MC',
    'MD',
    'ME',
    'MK',
    'NO',
    'RS',
    'SM',
    'TR',
    'UA',
    'VA',
    'XK',
  ],
  world: [
    'AR',
    'AU',
    'BR',
    'CA',
    'CL',
    'CN',
    'CO',
    'EG',
    'HK',
    'IL',
    'IN',
    'JP',
    'KE',
    'KR',
    'MA',
    'MX',
    'MY',
    'NZ',
    'PE',
    'PH',
    'SG',
    'TH',
    'TN',
    'TW',
    'US',
    'UY',
    'VN',
    'ZA',
  ],
};

/** A way to ship: what the first parcel weighs and costs in each zone, and what each further kilogram adds; in cents. */
interface Service {
  readonly id: string;
  readonly name: string;
  readonly carrier: string;
  readonly zones: Readonly<
    Partial<
      Record<
        Zone,
        { readonly base: number; readonly perKilogram: number; readonly days: readonly [number, number] }
      >
    >
  >;
}

const services: readonly Service[] = [
  {
    id: 'standard',
    name: 'Standard',
    carrier: 'Kranich Post',
    zones: {
      domestic: { base: 490, perKilogram: 60, days: [2, 4] },
      near: { base: 990, perKilogram: 120, days: [3, 5] },
      union: { base: 1_290, perKilogram: 160, days: [4, 7] },
      europe: { base: 1_690, perKilogram: 220, days: [5, 10] },
      world: { base: 2_490, perKilogram: 690, days: [8, 21] },
    },
  },
  {
    id: 'express',
    name: 'Express',
    carrier: 'Falke Express',
    zones: {
      domestic: { base: 1_190, perKilogram: 90, days: [1, 1] },
      near: { base: 1_990, perKilogram: 190, days: [1, 2] },
      union: { base: 2_690, perKilogram: 260, days: [1, 3] },
      europe: { base: 3_490, perKilogram: 390, days: [2, 4] },
      world: { base: 4_990, perKilogram: 990, days: [3, 6] },
    },
  },
  {
    id: 'pickup',
    name: 'Pick-up point',
    carrier: 'Kranich Post',
    zones: {
      domestic: { base: 390, perKilogram: 60, days: [2, 4] },
      near: { base: 790, perKilogram: 110, days: [3, 5] },
    },
  },
];

/** The first parcel band; each further kilogram, begun or whole, costs the same again. */
const includedGrams = 1_000;

/**
 * The ways to ship a weight to a country, cheapest first. Pure.
 * @param weightGrams 0 counts as the lightest parcel.
 * @throws MeshError FAILED_PRECONDITION (COUNTRY_NOT_SERVED).
 */
export function quote(country: string, weightGrams: number): ShippingOption[] {
  const zone = (Object.keys(countries) as Zone[]).find((candidate) => countries[candidate].includes(country));
  if (zone === undefined) {
    throw new MeshError({
      code: 'FAILED_PRECONDITION',
      reason: 'COUNTRY_NOT_SERVED',
      message: `the shop does not ship to ${country}: choose an address in another country`,
      metadata: { country },
    });
  }
  const furtherKilograms = Math.max(0, Math.ceil((weightGrams - includedGrams) / 1_000));
  return services
    .flatMap((service) => {
      const price = service.zones[zone];
      if (price === undefined) return [];
      const cents = price.base + price.perKilogram * furtherKilograms;
      const [minDays, maxDays] = price.days;
      return [
        {
          cents,
          option: {
            id: service.id,
            name: service.name,
            carrier: service.carrier,
            cost: fromCents('EUR', BigInt(cents)),
            minDays,
            maxDays,
          },
        },
      ];
    })
    .sort((left, right) => left.cents - right.cents)
    .map(({ option }) => option);
}

/** One of the ways to ship. @throws MeshError INVALID_ARGUMENT (SHIPPING_OPTION_NOT_FOUND), or as `quote`. */
export function optionOf(country: string, weightGrams: number, optionId: string): ShippingOption {
  const found = quote(country, weightGrams).find((option) => option.id === optionId);
  if (found !== undefined) return found;
  throw new MeshError({
    code: 'INVALID_ARGUMENT',
    reason: 'SHIPPING_OPTION_NOT_FOUND',
    message: `'${optionId}' is no way to ship to ${country}: ask for quotes`,
    violations: [{ field: 'optionId', rule: 'known', message: 'must be one of the quoted options' }],
  });
}
