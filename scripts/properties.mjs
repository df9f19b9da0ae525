// Property tests draw the same examples every time, so that a change is judged by what it changed; PROPERTY_SEED
// draws others, to look for what these do not show.
import fc from 'fast-check';

const seed = Number(process.env.PROPERTY_SEED ?? 1);
if (!Number.isInteger(seed)) {
  console.error(`PROPERTY_SEED is a whole number, got "${process.env.PROPERTY_SEED}"; e.g. 2`);
  process.exit(2);
}
fc.configureGlobal({ seed });
