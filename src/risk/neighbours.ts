/**
 * Exact nearest neighbours by a k-d tree [bentley1975multidimensional] whose nodes keep the box around their points: in a
 * few dimensions a search looks at some hundred points, however many there are.
 */

/** Points in a leaf, at most, unless they are all equal. */
const LEAF = 16;

/** The nearest other points of a point, nearest first; of equally near ones the earlier. */
export type NeighbourSearch = (point: number) => Int32Array;

/**
 * Prepares the search among some points.
 * @param points [point, dimension] finite coordinates
 * @param dimensions ≥ 0
 * @param count number of points
 * @param most neighbours wanted; fewer where there are fewer other points
 * @returns a search by squared Euclidean distance, summed over the dimensions in order
 */
export function neighbourSearch(
  points: Float64Array,
  dimensions: number,
  count: number,
  most: number,
): NeighbourSearch {
  const { order, start, end, left, boxes } = growTree(points, dimensions, count);
  // The points of a node side by side: a search is bound by memory.
  const inOrder = new Float64Array(points.length);
  for (let i = 0; i < count; i++) {
    const at = order[i] * dimensions;
    inOrder.set(points.subarray(at, at + dimensions), i * dimensions);
  }
  const centre = new Float64Array(dimensions);
  const distances = new Float64Array(most);
  const nearest = new Int32Array(most);
  let found = 0;

  const offer = (other: number, distance: number): void => {
    let at = found === most ? most - 1 : found++;
    for (; at > 0; at--) {
      const before = distances[at - 1];
      if (before < distance || (before === distance && nearest[at - 1] < other)) break;
      distances[at] = before;
      nearest[at] = nearest[at - 1];
    }
    distances[at] = distance;
    nearest[at] = other;
  };
  /** Beyond this a point is too far; equally far ones may be earlier. */
  const reach = () => (found === most ? distances[most - 1] : Number.POSITIVE_INFINITY);
  /** At most the squared distance of any point of a node, also after rounding: it is summed as distances are. */
  const bound = (node: number, limit: number): number => {
    let sum = 0;
    for (let d = 0, at = node * dimensions * 2; d < dimensions && sum <= limit; d++, at += 2) {
      const below = boxes[at] - centre[d];
      const above = centre[d] - boxes[at + 1];
      const outside = below > 0 ? below : above > 0 ? above : 0;
      sum += outside * outside;
    }
    return sum;
  };
  const searchLeaf = (node: number, point: number): void => {
    // Of equal points, which stand in order, none beyond the first ones is wanted.
    const last = left[node] === ALL_EQUAL ? Math.min(end[node], start[node] + most + 1) : end[node];
    let farthest = reach();
    for (let i = start[node]; i < last; i++) {
      let sum = 0;
      for (let d = 0, at = i * dimensions; d < dimensions && sum <= farthest; d++, at++) {
        const difference = centre[d] - inOrder[at];
        sum += difference * difference;
      }
      const other = order[i];
      if (sum > farthest || (sum === farthest && other > nearest[most - 1]) || other === point) continue;
      offer(other, sum);
      farthest = reach();
    }
  };
  const search = (node: number, least: number, point: number): void => {
    if (least > reach()) return;
    const near = left[node];
    if (near < 0) {
      searchLeaf(node, point);
      return;
    }
    const far = near + 1;
    const ofNear = bound(near, reach());
    const ofFar = bound(far, reach());
    if (ofNear <= ofFar) {
      search(near, ofNear, point);
      search(far, ofFar, point);
    } else {
      search(far, ofFar, point);
      search(near, ofNear, point);
    }
  };
  return (point) => {
    found = 0;
    centre.set(points.subarray(point * dimensions, (point + 1) * dimensions));
    if (count > 0) search(0, 0, point);
    return nearest.slice(0, found);
  };
}

/** What a leaf has in place of a left child. */
const SOME_DIFFER = -1;
const ALL_EQUAL = -2;

/** Nodes as parallel arrays; the root is node 0, and the right child follows the left one. */
interface PointTree {
  /** Points, those of a node in one piece; in a leaf ascending. */
  readonly order: Int32Array;
  /** [node] its piece of `order`. */
  readonly start: Int32Array;
  readonly end: Int32Array;
  readonly left: Int32Array;
  /** [node, dimension, low and high] */
  readonly boxes: Float64Array;
}

function growTree(points: Float64Array, dimensions: number, count: number): PointTree {
  const order = new Int32Array(count).map((_, point) => point);
  const tree = { start: [0], end: [count], left: [SOME_DIFFER], boxes: [] as number[] };
  for (let node = 0; node < tree.start.length; node++) {
    const [from, to] = [tree.start[node], tree.end[node]];
    let widest = -1;
    let extent = 0;
    for (let d = 0; d < dimensions; d++) {
      let low = Number.POSITIVE_INFINITY;
      let high = Number.NEGATIVE_INFINITY;
      for (let i = from; i < to; i++) {
        const x = points[order[i] * dimensions + d];
        if (x < low) low = x;
        if (x > high) high = x;
      }
      tree.boxes.push(low, high);
      if (high - low > extent) [widest, extent] = [d, high - low];
    }
    if (widest < 0 || to - from <= LEAF) {
      order.subarray(from, to).sort();
      tree.left[node] = widest < 0 ? ALL_EQUAL : SOME_DIFFER;
      continue;
    }
    const middle = divide(points, dimensions, widest, order, from, to);
    tree.left[node] = tree.start.length;
    tree.start.push(from, middle);
    tree.end.push(middle, to);
    tree.left.push(SOME_DIFFER, SOME_DIFFER);
  }
  return {
    order,
    start: Int32Array.from(tree.start),
    end: Int32Array.from(tree.end),
    left: Int32Array.from(tree.left),
    boxes: Float64Array.from(tree.boxes),
  };
}

/**
 * Reorders a piece so that no coordinate before its middle is above one after it [hoare1961find].
 * @returns the middle, inside the piece
 */
function divide(
  points: Float64Array,
  dimensions: number,
  dimension: number,
  order: Int32Array,
  from: number,
  to: number,
): number {
  const at = (i: number) => points[order[i] * dimensions + dimension];
  const middle = (from + to) >> 1;
  let [low, high] = [from, to - 1];
  while (low < high) {
    const pivot = at((low + high) >> 1);
    let [i, j] = [low, high];
    while (i <= j) {
      while (at(i) < pivot) i++;
      while (at(j) > pivot) j--;
      if (i > j) break;
      const held = order[i];
      order[i++] = order[j];
      order[j--] = held;
    }
    if (middle <= j) high = j;
    else if (middle >= i) low = i;
    else break;
  }
  return middle;
}
