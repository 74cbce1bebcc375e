import type { SeedCategory } from './product.js';

export const outdoors: SeedCategory = {
  id: 'outdoors',
  name: 'Outdoors',
  products: [
    {
      id: 'prd_two-person-tent',
      name: 'Ridge Tent for Two',
      description:
        'Up in four minutes, also when it rains, because the inner tent hangs in the outer. Two doors mean that nobody climbs over anybody. Weighs as much as a good dictionary.',
      cents: 18_900,
      weightGrams: 2_350,
      tags: ['camping', 'hiking', 'shelter'],
      motif: 'tent',
    },
    {
      id: 'prd_tarp-shelter',
      name: 'Tarp Shelter 3 × 3 m',
      description:
        'Sixteen loops and one sheet of ripstop: a roof, a wall or a boat sail. Guy lines and pegs are in the bag.',
      cents: 7_950,
      weightGrams: 780,
      tags: ['camping', 'hiking', 'rain'],
      motif: 'tent',
    },
    {
      id: 'prd_canvas-rucksack',
      name: 'Waxed Canvas Rucksack',
      description:
        'Twenty-two litres of waxed cotton that sheds a shower and shows its scars with dignity. Leather straps, brass buckles, a sleeve for a laptop.',
      cents: 12_900,
      weightGrams: 1_450,
      tags: ['bag', 'hiking', 'travel'],
      motif: 'backpack',
    },
    {
      id: 'prd_daypack',
      name: 'Featherweight Daypack',
      description:
        'It lives in its own pocket until the afternoon gets warm and everyone takes off a jumper. Eighteen litres, and lighter than the apple you put in it.',
      cents: 4_450,
      weightGrams: 290,
      tags: ['bag', 'hiking', 'travel', 'running'],
      motif: 'backpack',
    },
    {
      id: 'prd_steel-flask',
      name: 'Steel Flask 750 ml',
      description:
        'Two walls of steel keep tea hot for twelve hours and water cold for a day. One hand opens the lid. The paint is baked on and stays on.',
      cents: 2_990,
      weightGrams: 430,
      tags: ['water', 'drink', 'hot', 'thermos'],
      motif: 'bottle',
    },
    {
      id: 'prd_trail-bottle',
      name: 'Soft Trail Bottle',
      description: 'Drink it empty and roll it up. The valve opens when you bite and closes when you laugh.',
      cents: 1_690,
      weightGrams: 70,
      tags: ['water', 'drink', 'running'],
      motif: 'bottle',
    },
    {
      id: 'prd_field-compass',
      name: 'Field Compass',
      description:
        'A needle that settles in three seconds, a mirror for bearings and a scale for 1:25 000. It has never needed an update.',
      cents: 3_850,
      weightGrams: 150,
      tags: ['navigation', 'hiking', 'map'],
      motif: 'compass',
    },
    {
      id: 'prd_pocket-sundial',
      name: 'Pocket Sundial',
      description:
        'Brass, palm-sized and accurate to a quarter of an hour, clouds permitting. A small compass in the lid sets it north. A present for somebody who has everything but time.',
      cents: 4_690,
      weightGrams: 110,
      tags: ['navigation', 'time', 'brass', 'curiosity'],
      motif: 'compass',
    },
    {
      id: 'prd_cotton-hammock',
      name: 'Cotton Hammock',
      description:
        'Three metres of woven cotton, wide enough to lie in diagonally, which is the secret. Ropes and hooks for two trees or a tree and a house.',
      cents: 5_990,
      weightGrams: 1_550,
      tags: ['garden', 'relax', 'camping'],
      motif: 'hammock',
    },
    {
      id: 'prd_travel-hammock',
      name: 'Travel Hammock',
      description:
        'Parachute silk that packs to the size of a grapefruit and carries 150 kg. The straps do no harm to bark.',
      cents: 4_990,
      weightGrams: 520,
      tags: ['camping', 'hiking', 'relax'],
      motif: 'hammock',
    },
    {
      id: 'prd_camp-stove',
      name: 'Folding Camp Stove',
      description:
        'Boils a litre in three minutes and a half and folds to the size of a fist. A preheat loop keeps it going below zero.',
      cents: 5_490,
      weightGrams: 390,
      tags: ['camping', 'cooking', 'gas'],
      motif: 'stove',
    },
    {
      id: 'prd_fire-bowl',
      name: 'Portable Fire Bowl',
      description:
        'Steel petals slot into a bowl without a single screw. Air comes in from below, so the fire is hot and the smoke is little. Leaves no mark on the lawn.',
      cents: 13_900,
      weightGrams: 5_200,
      tags: ['camping', 'cooking', 'garden', 'grill'],
      motif: 'stove',
    },
  ],
};
