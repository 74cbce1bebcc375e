import type { SeedCategory } from './product.js';

export const desk: SeedCategory = {
  id: 'desk',
  name: 'Desk',
  products: [
    {
      id: 'prd_linen-notebook',
      name: 'Linen Notebook A5',
      description:
        'A hundred and ninety-two pages of cream paper that lies flat from the first day. Bound in linen, with a ribbon for the page you were on.',
      cents: 1_890,
      weightGrams: 310,
      tags: ['paper', 'journal', 'writing'],
      motif: 'notebook',
    },
    {
      id: 'prd_field-notebook',
      name: 'Field Notebooks, Pack of Three',
      description:
        'Thin enough for a back pocket and stitched so that they survive it. Dotted, lined and blank: one of each.',
      cents: 1_290,
      weightGrams: 180,
      tags: ['paper', 'pocket', 'journal'],
      motif: 'notebook',
    },
    {
      id: 'prd_brass-pen',
      name: 'Brass Ballpoint Pen',
      description:
        'Turned from a solid bar and left unlacquered, it takes on the colour of your hand. Standard refills fit. It will outlast several desks.',
      cents: 4_200,
      weightGrams: 95,
      tags: ['writing', 'ink', 'refill'],
      motif: 'pen',
    },
    {
      id: 'prd_fountain-pen',
      name: 'Studio Fountain Pen',
      description:
        'A steel nib in medium width that starts at once after a week in the drawer. The piston draws ink from any bottle, so there are no cartridges to buy.',
      cents: 5_950,
      weightGrams: 85,
      tags: ['writing', 'ink', 'nib'],
      motif: 'pen',
    },
    {
      id: 'prd_desk-tidy',
      name: 'Beech Desk Tidy',
      description:
        'Three places for pens, one slot for a phone and a shallow tray for whatever is left in your pockets. Milled from one block of beech.',
      cents: 2_690,
      weightGrams: 620,
      tags: ['organizer', 'wood', 'pens', 'storage'],
      motif: 'tray',
    },
    {
      id: 'prd_letter-tray',
      name: 'Stacking Letter Tray',
      description:
        'Folded steel with a powder coat and no sharp corner anywhere. Stack up to five before it begins to feel like bureaucracy.',
      cents: 2_350,
      weightGrams: 890,
      tags: ['organizer', 'paper', 'metal', 'office'],
      motif: 'tray',
    },
    {
      id: 'prd_quiet-clock',
      name: 'Quiet Desk Clock',
      description:
        'A sweeping second hand without a tick, and an alarm that begins as a hum. One battery lasts two years. It shows the time and asks for nothing.',
      cents: 4_690,
      weightGrams: 540,
      tags: ['time', 'alarm', 'watch'],
      motif: 'clock',
    },
    {
      id: 'prd_wooden-timer',
      name: 'Focus Timer',
      description:
        'Turn the dial to as many minutes as you can spare and leave the rest to it. A soft bell ends the session. No app, no account.',
      cents: 2_990,
      weightGrams: 260,
      tags: ['time', 'work', 'countdown'],
      motif: 'clock',
    },
    {
      id: 'prd_laptop-stand',
      name: 'Folding Laptop Stand',
      description:
        'Lifts the screen by fifteen centimetres and the eyes with it. It folds to the size of a ruler and weighs little more than one.',
      cents: 4_990,
      weightGrams: 720,
      tags: ['computer', 'ergonomic', 'aluminium', 'screen'],
      motif: 'stand',
    },
    {
      id: 'prd_monitor-shelf',
      name: 'Oak Monitor Shelf',
      description:
        'Solid oak on steel feet raises the monitor and hides the keyboard when work is over. There is a groove along the front for pens. Carries up to 40 kg.',
      cents: 8_450,
      weightGrams: 3_900,
      tags: ['computer', 'screen', 'wood', 'ergonomic'],
      motif: 'stand',
    },
    {
      id: 'prd_letter-set',
      name: 'Letter Writing Set',
      description:
        'Twenty sheets, twenty envelopes and no excuse. The paper is cotton, heavy enough for ink from both sides.',
      cents: 2_450,
      weightGrams: 480,
      tags: ['paper', 'envelope', 'stamp', 'gift'],
      motif: 'lettering',
    },
    {
      id: 'prd_wax-seal-kit',
      name: 'Wax Seal Kit',
      description:
        'A brass seal with a leaf, three sticks of wax and a small spoon to melt it in. Letters closed with it are opened slowly.',
      cents: 3_150,
      weightGrams: 390,
      tags: ['envelope', 'stamp', 'letter', 'gift'],
      motif: 'lettering',
    },
  ],
};
