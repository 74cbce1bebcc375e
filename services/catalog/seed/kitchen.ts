import type { SeedCategory } from './product.js';

export const kitchen: SeedCategory = {
  id: 'kitchen',
  name: 'Kitchen',
  products: [
    {
      id: 'prd_enamel-kettle',
      name: 'Enamel Kettle',
      description:
        'A kettle of steel under two coats of enamel, for gas, induction and open fire. It holds 1.8 litres and sings a low note when it is ready.',
      cents: 3_890,
      weightGrams: 1_250,
      tags: ['tea', 'water', 'stove', 'boil'],
      motif: 'kettle',
    },
    {
      id: 'prd_copper-kettle',
      name: 'Hammered Copper Kettle',
      description:
        'Beaten by hand from one sheet of copper and lined with tin. The narrow spout pours where you point it, which matters for coffee. It will darken with the years, and that is the idea.',
      cents: 11_900,
      weightGrams: 1_480,
      tags: ['tea', 'water', 'coffee', 'pour'],
      motif: 'kettle',
    },
    {
      id: 'prd_iron-skillet',
      name: 'Cast Iron Skillet 28 cm',
      description:
        'Heavy, flat and seasoned with flax oil before it leaves the foundry. It takes the heat of any hob or oven and gets better with each egg.',
      cents: 4_450,
      weightGrams: 2_900,
      tags: ['frying', 'steak', 'oven', 'cookware'],
      motif: 'pan',
    },
    {
      id: 'prd_saute-pan',
      name: 'Steel Sauté Pan',
      description:
        'Three layers of steel and aluminium carry the heat up to the rim. High walls keep the sauce in the pan and off the wall. Dishwasher safe, handle included.',
      cents: 6_790,
      weightGrams: 1_850,
      tags: ['frying', 'cookware', 'induction'],
      motif: 'pan',
    },
    {
      id: 'prd_stoneware-mug',
      name: 'Speckled Stoneware Mug',
      description:
        'Thrown in small batches, so no two have the same speckles. It keeps 300 ml hot for as long as a chapter takes.',
      cents: 1_650,
      weightGrams: 420,
      tags: ['cup', 'coffee', 'tea', 'ceramic'],
      motif: 'mug',
    },
    {
      id: 'prd_espresso-cups',
      name: 'Espresso Cups, Set of Four',
      description:
        'Four cups of 80 ml with walls thick enough to hold the warmth. They stack into a tower that is steadier than it looks.',
      cents: 2_890,
      weightGrams: 760,
      tags: ['coffee', 'ceramic', 'gift'],
      motif: 'mug',
    },
    {
      id: 'prd_chefs-knife',
      name: 'Chef’s Knife 20 cm',
      description:
        'One piece of Solingen steel, ground thin behind the edge and balanced at the heel. It arrives sharp enough to shave a tomato. Sharpen it twice a year.',
      cents: 8_990,
      weightGrams: 340,
      tags: ['cutting', 'blade', 'steel', 'cook'],
      motif: 'knife',
    },
    {
      id: 'prd_paring-knife',
      name: 'Walnut Paring Knife',
      description:
        'A short blade for everything that you hold in the other hand. The handle is oiled walnut, the size of a good handshake.',
      cents: 2_790,
      weightGrams: 120,
      tags: ['cutting', 'blade', 'peel', 'fruit'],
      motif: 'knife',
    },
    {
      id: 'prd_preserving-jars',
      name: 'Preserving Jars, Set of Three',
      description:
        'Thick glass, a rubber ring and a wire clip that has worked since 1900. Good for jam, lentils and letters.',
      cents: 2_240,
      weightGrams: 1_650,
      tags: ['glass', 'storage', 'jam', 'pickle'],
      motif: 'jar',
    },
    {
      id: 'prd_storage-jar',
      name: 'Oak Lid Storage Jar',
      description:
        'A litre of clear glass under a turned oak lid with a silicone seal. Coffee beans stay fresh in it for weeks.',
      cents: 1_490,
      weightGrams: 680,
      tags: ['glass', 'pantry', 'coffee', 'pasta'],
      motif: 'jar',
    },
    {
      id: 'prd_olive-board',
      name: 'Olive Wood Board',
      description:
        'Cut from trees that no longer bear, so the grain tells a hundred summers. Use one side for bread and the other for show. Wipe it, never soak it.',
      cents: 3_450,
      weightGrams: 1_320,
      tags: ['cutting', 'serving', 'cheese', 'bread'],
      motif: 'board',
    },
    {
      id: 'prd_end-grain-block',
      name: 'Maple Chopping Block',
      description:
        'End grain lets the knife slip between the fibres and closes behind it. Rubber feet hold it still while you hurry.',
      cents: 7_490,
      weightGrams: 4_200,
      tags: ['cutting', 'wood', 'butcher'],
      motif: 'board',
    },
  ],
};
