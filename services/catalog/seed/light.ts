import type { SeedCategory } from './product.js';

export const light: SeedCategory = {
  id: 'light',
  name: 'Light',
  products: [
    {
      id: 'prd_linen-lamp',
      name: 'Linen Table Lamp',
      description:
        'A shade of washed linen that turns any bulb warm, on a foot of brushed steel. The cord is two metres of woven cotton with a switch that you can find in the dark.',
      cents: 6_450,
      weightGrams: 1_700,
      tags: ['lighting', 'bedside', 'shade'],
      motif: 'tableLamp',
    },
    {
      id: 'prd_mushroom-lamp',
      name: 'Little Mushroom Lamp',
      description:
        'It glows from below its cap like something at the edge of a forest. Three steps of brightness, the lowest fit for sleeping. Charges by cable in two hours.',
      cents: 4_890,
      weightGrams: 980,
      tags: ['lighting', 'bedside', 'night', 'children'],
      motif: 'tableLamp',
    },
    {
      id: 'prd_architect-lamp',
      name: 'Architect Desk Lamp',
      description:
        'Springs and counterweights hold the head wherever you leave it. The light is even over a sheet of A2, without a glare on the screen.',
      cents: 8_990,
      weightGrams: 2_450,
      tags: ['lighting', 'office', 'arm', 'reading'],
      motif: 'deskLamp',
    },
    {
      id: 'prd_clip-lamp',
      name: 'Clip Reading Lamp',
      description:
        'Clips to a headboard, a shelf or a thick book and bends like a willow. Forty hours of reading on one charge.',
      cents: 2_750,
      weightGrams: 360,
      tags: ['lighting', 'book', 'bed', 'travel'],
      motif: 'deskLamp',
    },
    {
      id: 'prd_dome-pendant',
      name: 'Dome Pendant Lamp',
      description:
        'A spun metal dome, coloured outside and white inside, that throws its light on the table and leaves the corners alone. Hang it lower than you would dare.',
      cents: 11_500,
      weightGrams: 2_300,
      tags: ['lighting', 'ceiling', 'dining', 'table'],
      motif: 'pendant',
    },
    {
      id: 'prd_paper-pendant',
      name: 'Paper Pendant',
      description:
        'Folded by hand from mulberry paper over a thin wire. It weighs almost nothing and moves when someone opens the door. Bulb not included.',
      cents: 3_990,
      weightGrams: 640,
      tags: ['lighting', 'ceiling', 'shade', 'lampshade'],
      motif: 'pendant',
    },
    {
      id: 'prd_storm-lantern',
      name: 'Storm Lantern',
      description:
        'The wind has tried to blow it out since 1880. Galvanised steel, a glass that can be replaced, and twenty hours on one filling of oil.',
      cents: 3_490,
      weightGrams: 1_150,
      tags: ['lighting', 'camping', 'oil', 'garden'],
      motif: 'lantern',
    },
    {
      id: 'prd_solar-lantern',
      name: 'Solar Lantern',
      description:
        'Leave it on the sill by day and it pays back eight hours of warm light. Folds flat for the rucksack.',
      cents: 2_950,
      weightGrams: 410,
      tags: ['lighting', 'camping', 'garden', 'balcony'],
      motif: 'lantern',
    },
    {
      id: 'prd_beeswax-candles',
      name: 'Beeswax Candles, Pair',
      description:
        'Poured from the wax of one valley, they smell of honey before they are lit. They burn for twelve hours without a drip, if the window stays shut.',
      cents: 1_890,
      weightGrams: 440,
      tags: ['lighting', 'dinner', 'honey'],
      motif: 'candle',
    },
    {
      id: 'prd_cedar-candle',
      name: 'Cedar Scented Candle',
      description:
        'Cedar, a little smoke and a trace of orange peel in rapeseed wax. The tumbler is a good glass afterwards. Forty-five hours.',
      cents: 2_690,
      weightGrams: 520,
      tags: ['lighting', 'fragrance', 'gift', 'home'],
      motif: 'candle',
    },
    {
      id: 'prd_festoon-lights',
      name: 'Festoon Lights, 10 m',
      description:
        'Twenty bulbs on a rubber cable that does not mind rain. Join up to five lengths and the whole street is invited.',
      cents: 4_590,
      weightGrams: 1_850,
      tags: ['lighting', 'party', 'garden', 'outdoor'],
      motif: 'stringLights',
    },
    {
      id: 'prd_copper-string-lights',
      name: 'Copper String Lights',
      description:
        'Fifty points of light on a wire so thin that it disappears. It keeps whatever shape you bend it to. Runs for three weeks of evenings on two cells.',
      cents: 1_590,
      weightGrams: 140,
      tags: ['lighting', 'decoration', 'indoor', 'battery'],
      motif: 'stringLights',
    },
  ],
};
