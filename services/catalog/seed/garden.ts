import type { SeedCategory } from './product.js';

export const garden: SeedCategory = {
  id: 'garden',
  name: 'Garden',
  products: [
    {
      id: 'prd_terracotta-pot',
      name: 'Terracotta Pot with Saucer',
      description:
        'Fired in Tuscany, with walls that breathe and a hole where it belongs. The saucer is part of the bargain.',
      cents: 1_450,
      weightGrams: 1_900,
      tags: ['plant', 'flower', 'clay', 'herb'],
      motif: 'pot',
    },
    {
      id: 'prd_self-watering-pot',
      name: 'Self-Watering Herb Pot',
      description:
        'A wick brings up the water as the basil asks for it, for as long as two weeks. Made for windowsills and forgetful people.',
      cents: 2_390,
      weightGrams: 850,
      tags: ['plant', 'basil', 'kitchen', 'windowsill'],
      motif: 'pot',
    },
    {
      id: 'prd_watering-can',
      name: 'Galvanised Watering Can 9 L',
      description:
        'Nine litres, a long reach and a brass rose that makes rain and not a flood. Balanced so that it pours with one hand when half full.',
      cents: 3_650,
      weightGrams: 1_600,
      tags: ['plant', 'water', 'rose'],
      motif: 'wateringCan',
    },
    {
      id: 'prd_indoor-can',
      name: 'Slim Indoor Watering Can',
      description:
        'A spout thin enough to find the soil between the leaves. Holds one litre, which is one round of the flat.',
      cents: 2_150,
      weightGrams: 480,
      tags: ['plant', 'water', 'houseplant'],
      motif: 'wateringCan',
    },
    {
      id: 'prd_hand-trowel',
      name: 'Forged Hand Trowel',
      description:
        'Forged carbon steel with a tang that runs the length of the ash handle. It goes through roots and clay, and it does not bend.',
      cents: 2_490,
      weightGrams: 410,
      tags: ['tool', 'digging', 'planting'],
      motif: 'trowel',
    },
    {
      id: 'prd_bulb-planter',
      name: 'Bulb Planter',
      description:
        'Twist it in up to the mark, lift out a plug of soil, drop in a tulip. The marks are in centimetres and in optimism.',
      cents: 2_790,
      weightGrams: 560,
      tags: ['tool', 'digging', 'tulip', 'spring'],
      motif: 'trowel',
    },
    {
      id: 'prd_wildflower-seeds',
      name: 'Wildflower Seeds',
      description:
        'Twenty-four native kinds for five square metres of bare ground. Poppies the first summer, cornflowers after that, bees always.',
      cents: 650,
      weightGrams: 60,
      tags: ['bees', 'meadow', 'sowing'],
      motif: 'seeds',
    },
    {
      id: 'prd_heirloom-tomatoes',
      name: 'Heirloom Tomato Seeds',
      description:
        'Six old kinds that no supermarket will stock: striped, black, yellow and one the size of a fist. A sowing calendar is printed inside the packet.',
      cents: 890,
      weightGrams: 40,
      tags: ['vegetable', 'sowing', 'kitchen'],
      motif: 'seeds',
    },
    {
      id: 'prd_nest-box',
      name: 'Larch Nest Box',
      description:
        'Untreated larch, a hole of 32 millimetres and a front that opens for cleaning in winter. Tits find it before you have put away the ladder.',
      cents: 2_990,
      weightGrams: 1_450,
      tags: ['bird', 'tit', 'wildlife'],
      motif: 'birdhouse',
    },
    {
      id: 'prd_bird-feeder',
      name: 'Covered Bird Feeder',
      description:
        'A roof keeps the seed dry and a rim keeps it from the cat. Fill it once a week in frost and take notes.',
      cents: 3_390,
      weightGrams: 1_200,
      tags: ['bird', 'wildlife', 'winter', 'seed'],
      motif: 'birdhouse',
    },
    {
      id: 'prd_harvest-basket',
      name: 'Willow Harvest Basket',
      description:
        'Woven from brown willow by people who cut it themselves. It carries ten kilograms of apples and an air of competence.',
      cents: 4_290,
      weightGrams: 980,
      tags: ['vegetable', 'picking', 'wicker'],
      motif: 'basket',
    },
    {
      id: 'prd_trug',
      name: 'Chestnut Garden Trug',
      description:
        'Split chestnut and steamed ash in the Sussex manner. Mud falls through, potatoes do not. It can be mended, and will be.',
      cents: 5_450,
      weightGrams: 1_350,
      tags: ['vegetable', 'picking', 'wood'],
      motif: 'basket',
    },
  ],
};
