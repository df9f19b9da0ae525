/** How the network learnt: loss, validation AUROC and learning rate by epoch. */
import { curveChart } from '../charts.js';
import { figure, gallery, key, table } from '../figure.js';
import { formatDuration, formatNumber, formatValue } from '../format.js';
import { html, type Markup } from '../html.js';
import type { EpochLog, ReportInput, TrainingRun } from '../input.js';
import type { Section } from '../page.js';
import { palette } from '../theme.js';
import type { Point } from '../thin.js';

/** `null` where no network was trained. */
export function training({ training: runs }: ReportInput): Section | null {
  if (runs.length === 0) return null;
  return {
    id: 'training',
    title: 'Training',
    body: html`<p>Early stopping and the kept epoch look at validation rows only. ${key([
      { name: 'kept epoch', color: palette.ink, symbol: 'diamond' },
    ])}</p>
${gallery([epochFigure(loss, runs), epochFigure(auroc, runs), epochFigure(rate, runs)])}
${table({
  caption: 'Fitted networks',
  head: ['Fit', 'Epochs', 'Kept epoch', 'Validation loss there', 'Validation macro AUROC there', 'Time'],
  rows: runs.map((run) => {
    const kept = run.epochs.find(({ epoch }) => epoch === run.bestEpoch);
    return [
      run.name,
      run.epochs.length,
      run.bestEpoch ?? '–',
      optional(kept?.validationLoss ?? null),
      optional(kept?.validationAuroc ?? null),
      formatDuration(run.epochs.reduce((sum, { seconds }) => sum + seconds, 0)),
    ];
  }),
})}`,
  };
}

const optional = (value: number | null) => (value === null ? '–' : formatNumber(value));

/** A quantity of the log, drawn as one line per fit. */
interface Series {
  readonly name: string;
  readonly color: string;
  readonly symbol: 'line' | 'dashed';
  readonly value: (log: EpochLog) => number | null;
}

interface EpochFigure {
  readonly id: string;
  readonly title: string;
  readonly yName: string;
  readonly series: readonly Series[];
}

const loss: EpochFigure = {
  id: 'training-loss',
  title: 'Loss',
  yName: 'loss',
  series: [
    { name: 'training', color: palette.main, symbol: 'line', value: (log) => log.trainLoss },
    { name: 'validation', color: palette.second, symbol: 'dashed', value: (log) => log.validationLoss },
  ],
};

const auroc: EpochFigure = {
  id: 'training-auroc',
  title: 'Validation macro AUROC',
  yName: 'AUROC',
  series: [
    { name: 'validation', color: palette.second, symbol: 'line', value: (log) => log.validationAuroc },
  ],
};

const rate: EpochFigure = {
  id: 'training-rate',
  title: 'Learning rate',
  yName: 'learning rate',
  series: [{ name: 'learning rate', color: palette.third, symbol: 'line', value: (log) => log.learningRate }],
};

function epochFigure({ id, title, yName, series }: EpochFigure, runs: readonly TrainingRun[]): Markup {
  const epochs = runs.flatMap((run) => run.epochs.map(({ epoch }) => epoch));
  const [first, last] = [Math.min(...epochs), Math.max(...epochs)];
  const opacity = runs.length > 3 ? 0.4 : 1;
  return figure({
    id,
    title,
    caption: series.length > 1 ? key(series) : null,
    alternative: `${title} over ${epochRange(runs)}: ${series.map((one) => `${one.name} ${course(one, runs)}`).join('; ')}.`,
    svg: curveChart(id, [
      {
        xName: 'epoch',
        yName,
        x: last > first ? [first, last] : undefined,
        curves: series.flatMap(({ name, color, symbol, value }) =>
          runs.map((run) => ({
            name,
            color,
            opacity,
            dashed: symbol === 'dashed',
            points: points(run, value),
          })),
        ),
        marks: series.flatMap(({ value }) =>
          runs.flatMap((run) => points(run, value).filter(([epoch]) => epoch === run.bestEpoch)),
        ),
        markColor: palette.ink,
      },
    ]),
    data: {
      caption: `${title} by epoch`,
      head: ['Epoch', ...series.map(({ name }) => name)],
      rows: runs.flatMap((run) => [
        ...(runs.length > 1 ? [{ group: run.name }] : []),
        ...run.epochs.map((log) => [
          log.epoch,
          ...series.map(({ value }) => {
            const y = value(log);
            return y === null ? '–' : formatValue(y);
          }),
        ]),
      ]),
    },
  });
}

function points(run: TrainingRun, value: Series['value']): Point[] {
  return run.epochs.flatMap((log): Point[] => {
    const y = value(log);
    return y === null ? [] : [[log.epoch, y]];
  });
}

function epochRange(runs: readonly TrainingRun[]): string {
  const lengths = runs.map(({ epochs }) => epochs.length);
  const [least, most] = [Math.min(...lengths), Math.max(...lengths)];
  const fits = runs.length === 1 ? '' : ` of each of ${runs.length} fits`;
  return least === most ? `${least} epochs${fits}` : `${least} to ${most} epochs${fits}`;
}

/** From the mean first value to the mean last one, over fits. */
function course({ value }: Series, runs: readonly TrainingRun[]): string {
  const curves = runs.map((run) => points(run, value)).filter((curve) => curve.length > 0);
  if (curves.length === 0) return 'not recorded';
  const mean = (at: (curve: readonly Point[]) => Point) =>
    formatValue(curves.reduce((sum, curve) => sum + at(curve)[1], 0) / curves.length);
  return `from ${mean((curve) => curve[0])} to ${mean((curve) => curve[curve.length - 1])}${
    curves.length === 1 ? '' : ' on average'
  }`;
}
