import { register } from 'node:module';
import { type Edit, editsByFile } from './mutant.js';

// Loaded before a program (`node --import`), it plants the edits that the environment names in what the program loads.

const edits = JSON.parse(process.env['PLANTED_EDITS'] ?? '[]') as Edit[];
register(new URL('./planting-loader.js', import.meta.url), { data: editsByFile(edits) });
