import type { SeedCategory } from './product.js';

export const sound: SeedCategory = {
  id: 'sound',
  name: 'Sound',
  products: [
    {
      id: 'prd_bookshelf-speaker',
      name: 'Bookshelf Speakers, Pair',
      description:
        'A silk dome and a paper cone in a cabinet of birch, tuned by ear in a room with a carpet. They like jazz, and are polite to everything else.',
      cents: 24_900,
      weightGrams: 7_800,
      tags: ['audio', 'hifi', 'music', 'stereo'],
      motif: 'speaker',
    },
    {
      id: 'prd_pocket-speaker',
      name: 'Pocket Speaker',
      description:
        'Fits a jacket, fills a kitchen, floats in a bath. Fourteen hours on a charge, and two of them make a stereo.',
      cents: 5_950,
      weightGrams: 340,
      tags: ['audio', 'bluetooth', 'music', 'travel'],
      motif: 'speaker',
    },
    {
      id: 'prd_studio-headphones',
      name: 'Studio Headphones',
      description:
        'Open at the back, so that the music is around you and not inside your head. Every part can be unscrewed and replaced. The pads are velvet.',
      cents: 14_900,
      weightGrams: 460,
      tags: ['audio', 'music', 'listening'],
      motif: 'headphones',
    },
    {
      id: 'prd_walking-headphones',
      name: 'Walking Headphones',
      description:
        'Light on the ears and clear in the middle, where the voices are. They let through the tram that you had not seen.',
      cents: 6_990,
      weightGrams: 210,
      tags: ['audio', 'music', 'bluetooth', 'travel'],
      motif: 'headphones',
    },
    {
      id: 'prd_belt-turntable',
      name: 'Belt Drive Turntable',
      description:
        'A heavy platter on one silent belt, with an arm of carbon and a cartridge already aligned. Plug it in anywhere: the amplifier for the needle is built in.',
      cents: 29_900,
      weightGrams: 6_400,
      tags: ['vinyl', 'hifi', 'music', 'record', 'player'],
      motif: 'turntable',
    },
    {
      id: 'prd_suitcase-turntable',
      name: 'Suitcase Record Player',
      description:
        'Open the lid and there is music, in the garden as well. Three speeds, two small loudspeakers and a socket for larger ones.',
      cents: 8_990,
      weightGrams: 3_100,
      tags: ['vinyl', 'music', 'portable'],
      motif: 'turntable',
    },
    {
      id: 'prd_rain-record',
      name: 'Field Recordings: Rain',
      description:
        'Forty minutes of rain on tin, leaves, canvas and sea, recorded in one autumn. Pressed on heavy vinyl. Side B is a thunderstorm that keeps its distance.',
      cents: 2_490,
      weightGrams: 290,
      tags: ['vinyl', 'music', 'ambient'],
      motif: 'record',
    },
    {
      id: 'prd_night-train-record',
      name: 'Night Train Sessions',
      description:
        'A trio recorded in the dining car between two cities, with the rails as fourth member. The encore was played at the border.',
      cents: 2_690,
      weightGrams: 280,
      tags: ['vinyl', 'music', 'jazz', 'album'],
      motif: 'record',
    },
    {
      id: 'prd_tenor-ukulele',
      name: 'Mahogany Tenor Ukulele',
      description:
        'Solid mahogany on top, geared pegs, and a voice deeper than you would expect. Three chords are enough for two hundred songs, and a booklet shows them.',
      cents: 11_900,
      weightGrams: 1_100,
      tags: ['music', 'instrument', 'strings'],
      motif: 'ukulele',
    },
    {
      id: 'prd_travel-ukulele',
      name: 'Travel Ukulele',
      description:
        'A slim body and a bamboo neck, made for rucksacks and stairwells. It stays in tune between two stations.',
      cents: 6_450,
      weightGrams: 620,
      tags: ['music', 'instrument', 'strings', 'beginner'],
      motif: 'ukulele',
    },
    {
      id: 'prd_kitchen-radio',
      name: 'Kitchen Radio',
      description:
        'One knob for the station, one for the loudness, and a walnut case that forgives flour. It remembers where you stopped.',
      cents: 8_950,
      weightGrams: 1_450,
      tags: ['audio', 'fm', 'music', 'news'],
      motif: 'radio',
    },
    {
      id: 'prd_crank-radio',
      name: 'Hand-Crank Radio',
      description:
        'A minute of cranking is twenty minutes of news, or an hour of torchlight. There is a solar cell on top for those who would rather wait.',
      cents: 3_990,
      weightGrams: 480,
      tags: ['audio', 'fm', 'camping', 'emergency', 'torch'],
      motif: 'radio',
    },
  ],
};
