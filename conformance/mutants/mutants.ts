import { commandMutants } from './command-mutants.js';
import { deliveryMutants } from './delivery-mutants.js';
import { moneyMutants } from './money-mutants.js';
import type { Mutant } from './mutant.js';
import { sagaMutants } from './saga-mutants.js';
import { stockMutants } from './stock-mutants.js';

/** All planted bugs. */
export const mutants: readonly Mutant[] = [
  ...commandMutants,
  ...sagaMutants,
  ...moneyMutants,
  ...stockMutants,
  ...deliveryMutants,
];
