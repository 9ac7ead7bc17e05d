import { shaped } from '../../../kdl/index.ts';

/** What things are called: names of metrics and clusters are made of it. */
export const id = shaped(
  'letters, digits, points, hyphens and underscores',
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/,
);
