/** What the name of a column suggests about it. Names only suggest: every use is written down as such. */

/** Lower-case words of a name: `RT_PCR positive` and `wentICU` are [rt, pcr, positive] and [went, icu]. */
function wordsOf(name: string): string {
  return name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9#]+/)
    .filter((word) => word !== '')
    .join(' ');
}

const number = '(?: ?(?:id|no|nr|num|number|index|key|code|identifier|#))';
const PATTERNS = {
  patient: new RegExp(`^(?:patient|subject|participant|person|mrn|pid|empi)${number}?$`),
  identifier: new RegExp(
    `(?:^| )(?:id|uid|uuid|guid|identifier|accession|key|index)$|^(?:record|row|case|study|exam|image|scan|visit|sample|encounter|stay|admission|hadm|series)${number}$`,
  ),
  order:
    /(?:^| )(?:visit|follow up|followup|timepoint|session|wave|sequence|offset)(?: (?:#|no|nr|num|number|index|days?|order))?$|^(?:days?|order)$/,
  view: /(?:^| )(?:view|projection)(?: |$)/,
  age: /(?:^| )age(?: |$)/,
  category:
    /(?:^| )(?:sex|gender|race|ethnicity|site|centre|center|hospital|ward|type|code|group|category)(?: |$)/,
  note: /(?:^| )(?:notes?|reports?|comments?|history|narrative|description|text|anamnesis|complaints?|keywords?|impression|conclusion)(?: |$)/,
  diagnosis: /(?:^| )(?:dx|icd|icd9|icd10|diag|diagnos[a-z]*)(?: |$)/,
  outcome:
    /^(?:class|labels?|target|y)$|(?:^| )(?:outcomes?|label|results?|findings?|death|dead|died|deceased|mortality|survival|survived|alive|relapse|recurrence|readmission|readmitted|los|length of stay|endpoint|icu|intubat[a-z]*|extubat[a-z]*|ventilat[a-z]*|supplemental|complications?|biopsy|patholog[a-z]*|histolog[a-z]*|cytolog[a-z]*|malignan[a-z]*|metasta[a-z]*|pcr|keywords?|impression|conclusion|prognosis|severity)(?: |$)|(?:^| )event$/,
  plainly: /^(?:class|labels?|target|y|outcomes?|results?|diagnosis|event)$|(?:^| )event$/,
  past: /(?:^| )(?:history|prior|previous|past|since|family|number|age)(?: |$)/,
  source:
    /(?:^| )(?:url|doi|link|licen[cs]e|copyright|source|folder|filename|file|path|scanner|manufacturer|pixel|original image|date|timestamp)(?: |$)/,
} as const;

export type NameHint = Exclude<keyof typeof PATTERNS, 'past'>;

/** Whether a name reads like something; a diagnosis or outcome of the past does not read like one. */
export function suggests(name: string, hint: NameHint): boolean {
  const words = wordsOf(name);
  if ((hint === 'diagnosis' || hint === 'outcome') && PATTERNS.past.test(words)) return false;
  return PATTERNS[hint].test(words);
}

/** Whether a name reads like something that is only known once the answer is. */
export function soundsLikeOutcome(name: string): boolean {
  return suggests(name, 'diagnosis') || suggests(name, 'outcome');
}

/** Names as they are meant: `a[x` and `y]`, cut at the comma of one quoted name, are both part of `a[x,y]`. */
export function meantNames(columns: readonly string[]): string[] {
  return columns.map((name, at) => {
    const before = columns[at - 1] ?? '';
    const cut = /^[^[]*\]/.test(name) && /\[[^\]]*$/.test(before);
    return cut ? `${before},${name}` : name;
  });
}
