/** One look for all charts. */

/** Colours that stay apart for colour-blind readers and in grey print (after Okabe & Ito). */
export const palette = {
  ink: '#1f2933',
  faint: '#6b7785',
  grid: '#e3e8ee',
  main: '#0b61a4',
  second: '#c2570c',
  third: '#00755a',
  low: '#00755a',
  medium: '#d98200',
  high: '#b3261e',
} as const;

/** White to blue for shares in [0, 1]. */
export const sequential = ['#ffffff', '#cfe3f3', '#6aaed6', '#0b61a4', '#08306b'];

/** Blue through white to red for correlations in [−1, 1]. */
export const diverging = ['#08519c', '#6aaed6', '#ffffff', '#f29c72', '#a32014'];

/** Width of a chart in CSS pixels: a phone's column. */
export const WIDTH = 340;

/** Text of tick labels, and of names. */
export const tickText = { color: palette.faint, fontSize: 11 };
export const nameText = { color: palette.ink, fontSize: 11 };

/** Grids stand where they are put; otherwise ECharts moves them to make room for long tick labels. */
export const fixed = { outerBoundsMode: 'none' } as const;
