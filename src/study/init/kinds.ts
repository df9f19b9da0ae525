/** From what a column holds to what it is. */
import { suggests } from './names.js';
import { type ColumnProfile, NUMBER_MARKERS } from './profile.js';

/** What a column is; `binary` holds 0 and 1 alone, `mixed` numbers and something else. */
export type ColumnKind =
  | 'empty'
  | 'constant'
  | 'binary'
  | 'numeric'
  | 'ordinal'
  | 'categorical'
  | 'text'
  | 'date'
  | 'mixed'
  | 'various';

const MOST_CATEGORIES = 20;

/** Scales of which a column may use a part; compared in lower case. */
const SCALES: readonly (readonly string[])[] = [
  ['none', 'trace', 'mild', 'moderate', 'severe', 'very severe'],
  ['no', 'mild', 'moderate', 'severe'],
  ['absent', 'mild', 'moderate', 'severe'],
  ['very low', 'low', 'medium', 'high', 'very high'],
  ['very low', 'low', 'moderate', 'high', 'very high'],
  ['low', 'intermediate', 'high'],
  ['poor', 'fair', 'good', 'very good', 'excellent'],
  ['never', 'rarely', 'sometimes', 'often', 'always'],
  ['0', 'i', 'ii', 'iii', 'iv', 'v', 'vi'],
  ['i', 'ia', 'ib', 'ii', 'iia', 'iib', 'iii', 'iiia', 'iiib', 'iv', 'iva', 'ivb'],
];
/** Words before a number or numeral that make it a rank. */
const rank = /^(?:stage|grade|class|level|nyha|asa|ecog|bi-?rads)[ -]*/;

/** The kind of a column. */
export function kindOf(column: ColumnProfile): ColumnKind {
  const { values, numbers, levels, distinct, dates, words } = column;
  const among = numberMarkers(column);
  if (values === 0) return 'empty';
  if (distinct === 1) return 'constant';
  if (numbers > 0 && numbers + among === values) {
    if ([...levels.keys()].every((level) => /^[01](?:\.0*)?$/.test(level) || NUMBER_MARKERS.has(level)))
      return 'binary';
    const coded = suggests(column.meant, 'category') && column.whole === numbers;
    return coded && distinct !== null && distinct <= MOST_CATEGORIES ? 'categorical' : 'numeric';
  }
  if (dates >= 0.8 * values) return 'date';
  if (numbers >= 0.5 * values) return 'mixed';
  if (distinct !== null && distinct <= MOST_CATEGORIES && distinct < values && words < 6)
    return ordinalLevels(column) === null ? 'categorical' : 'ordinal';
  if (words >= 4 || (suggests(column.meant, 'note') && distinct !== 1)) return 'text';
  return 'various';
}

/** Cells of a column of numbers that say "not recorded" in a word which elsewhere may be an answer. */
export function numberMarkers({ numbers, levels }: ColumnProfile): number {
  if (numbers === 0) return 0;
  let count = 0;
  for (const marker of NUMBER_MARKERS) count += levels.get(marker) ?? 0;
  return count;
}

/** The levels of an ordinal column from low to high, spelled as in the table; null when it is none. */
export function ordinalLevels({ levels }: ColumnProfile): string[] | null {
  if (levels.size < 3) return null;
  const spelled = new Map([...levels.keys()].map((level) => [level.toLowerCase(), level]));
  if (spelled.size < levels.size) return null;
  const keys = [...spelled.keys()];
  const ranked = keys.every((key) => rank.test(key));
  const bare = new Map(keys.map((key) => [ranked ? key.replace(rank, '') : key, spelled.get(key)!]));
  if (ranked && [...bare.keys()].every((key) => /^\d+$/.test(key)))
    return [...bare].sort((a, b) => Number(a[0]) - Number(b[0])).map(([, level]) => level);
  const scale = SCALES.find((steps) => [...bare.keys()].every((key) => steps.includes(key)));
  return scale === undefined ? null : scale.flatMap((step) => bare.get(step) ?? []);
}

/** A range outside which values look like codes for "not recorded", and why; null when none do. */
export function validRange(column: ColumnProfile): { range: [number, number]; why: string } | null {
  const { codes, least, greatest, numbers } = column;
  if (kindOf(column) !== 'numeric') return null;
  const coded: string[] = [];
  let low = least >= 0 ? 0 : -1e9;
  let high = 1e9;
  const age = suggests(column.meant, 'age') && column.above120 < numbers / 20;
  for (const [code, count] of [...codes].sort((a, b) => a[0] - b[0])) {
    // A code stands alone: below a column that is never negative, or far above everything else.
    const stray = code < 0 ? least >= 0 : !age && greatest > 0 && greatest < code / 4 && count < numbers / 2;
    if (!stray) continue;
    coded.push(`${rows(count)} ${code}`);
    if (code > 0) high = Math.min(high, Math.ceil(code / 2));
    else low = 0;
  }
  if (age) {
    if (column.above120 > 0) coded.push(`${rows(column.above120)} above 120`);
    high = 120;
    if (column.tiny > 0 && column.small === 0 && column.tiny < numbers / 10) {
      coded.push(`${rows(column.tiny)} 0 or 1 and none 2 to 9`);
      low = 2;
    }
  }
  return coded.length === 0 ? null : { range: [low, high], why: coded.join('; ') };
}

function rows(count: number): string {
  return `${count.toLocaleString('en')} ${count === 1 ? 'row has' : 'rows have'}`;
}
