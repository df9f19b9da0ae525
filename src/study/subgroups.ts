/** The subgroups that a study names: what is kept of them beside the predictions, and the groups it makes. */
import { type Cohort, suggestName } from '../data/index.js';
import { ConfigError, DataError } from '../errors.js';
import type { Grouping } from '../metrics/index.js';
import type { Study } from './schema.js';

/** The values of one column, row by row, as predictions.csv holds them. */
export interface SubgroupColumn {
  readonly column: string;
  /** [row] a category, the name of a level, or a number; '' where missing. */
  readonly values: readonly string[];
}

/** More groups than a table can show and than patients can fill. */
const MOST_GROUPS = 20;

type Subgroups = Study['evaluation']['subgroups'];

/**
 * The values that the study's subgroups are formed from.
 * @throws ConfigError for a column that is not in the cohort, or with more than 20 categories
 */
export function subgroupValues(
  { numeric, categorical }: Pick<Cohort, 'numeric' | 'categorical'>,
  subgroups: Subgroups,
): SubgroupColumn[] {
  return subgroups.map(({ column }) => {
    const ofNumbers = numeric.find(({ name }) => name === column);
    if (ofNumbers !== undefined) {
      const { levels, values } = ofNumbers;
      const text = (value: number) => (levels === undefined ? String(value) : levels[value]);
      return { column, values: Array.from(values, (value) => (Number.isNaN(value) ? '' : text(value))) };
    }
    const ofCategories = categorical.find(({ name }) => name === column);
    if (ofCategories === undefined) {
      const names = [...numeric, ...categorical].map(({ name }) => name);
      throw new ConfigError(
        `subgroupValues: a subgroup needs a feature column, got "${column}"; ${suggestName(column, names)}`,
        'evaluation.subgroups',
      );
    }
    const values = ofCategories.values.map((value) => value ?? '');
    const count = new Set(values.filter((value) => value !== '')).size;
    if (count > MOST_GROUPS) {
      throw new ConfigError(
        `subgroupValues: a subgroup column may have at most ${MOST_GROUPS} categories, got ${count} in "${column}"; name a coarser column`,
        'evaluation.subgroups',
      );
    }
    return { column, values };
  });
}

/** A column's groups. */
export interface SubgroupLevels {
  readonly column: string;
  /** Names of the groups in the order to show them in. */
  readonly groups: readonly string[];
  /** The group of each row of some values. */
  readonly grouping: (values: readonly string[]) => Grouping;
}

/**
 * The groups that the study makes of the values kept beside the predictions: intervals between cuts for numbers, the
 * declared levels of an ordinal column, and the categories that occur, in alphabetical order.
 * @param kept what predictions.csv holds, all rows
 * @throws DataError `missing-subgroup` for a column that was not kept; `bad-predictions` for a value that the study does
 *   not know
 */
export function subgroupLevels(
  kept: readonly SubgroupColumn[],
  { data, evaluation }: Pick<Study, 'data' | 'evaluation'>,
): SubgroupLevels[] {
  return evaluation.subgroups.map(({ column, cuts }) => {
    const found = kept.find((own) => own.column === column);
    if (found === undefined) {
      throw new DataError(
        'missing-subgroup',
        `subgroupLevels: predictions must hold the column "subgroup:${column}" that the study names, got none; train the study anew, or remove it from evaluation.subgroups`,
      );
    }
    const categories = [...new Set(found.values)].filter((value) => value !== '').sort();
    const groups = cuts === null ? (data.ordinal[column] ?? categories) : intervals(cuts);
    const groupOf = (value: string): number => {
      if (value === '') return -1;
      const group = cuts === null ? groups.indexOf(value) : intervalOf(Number(value), cuts);
      if (group >= 0) return group;
      throw new DataError(
        'bad-predictions',
        `subgroupLevels: a value of a subgroup must be ${cuts === null ? 'one of its levels' : 'a number'}, got "${value}"`,
        { column: `subgroup:${column}` },
      );
    };
    return {
      column,
      groups,
      grouping: (values) => ({ groups, ofRow: Int32Array.from(values, groupOf) }),
    };
  });
}

/** Names of the intervals between ascending cuts: `< 40`, `40 to < 60`, `≥ 60`. */
function intervals(cuts: readonly number[]): string[] {
  return [
    `< ${cuts[0]}`,
    ...cuts.slice(1).map((cut, i) => `${cuts[i]} to < ${cut}`),
    `≥ ${cuts[cuts.length - 1]}`,
  ];
}

/** A cut belongs to the interval above it; −1 for what is not a number. */
function intervalOf(value: number, cuts: readonly number[]): number {
  return Number.isNaN(value) ? -1 : cuts.filter((cut) => value >= cut).length;
}
