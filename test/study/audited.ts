/** Audits of whole studies: generated ones, which hold nothing that gives a label away, and the data as published. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Finding, generateStudy } from '../../src/data/index.js';
import { auditSubject } from '../../src/study/audit.js';
import {
  parseStudy,
  type ResolvedStudy,
  resolveStudy,
  type Study,
  studySplits,
} from '../../src/study/index.js';
import { readCohort } from '../../src/study/studyData.js';
import { realData } from '../data/scratch.js';

async function openFindings(resolved: ResolvedStudy): Promise<readonly Finding[]> {
  const { cohort, images } = await readCohort(resolved, null, { message: () => {} });
  const splits = await studySplits(resolved, cohort);
  return (await auditSubject({ resolved, cohort, splits, images, cache: null })).open;
}

/** Generates a study in a folder, audits it, and removes it again. */
export async function falseAlarms(
  directory: string,
  options: { readonly seed: number; readonly patients: number },
): Promise<readonly Finding[]> {
  await generateStudy({ directory, imageSize: 32, ...options });
  const studyFile = join(directory, 'study.yaml');
  const study = parseStudy(readFileSync(studyFile, 'utf8'), studyFile);
  const findings = await openFindings(resolveStudy(study, { studyFile }));
  rmSync(directory, { recursive: true });
  return findings;
}

/** Audits a study, given as YAML, on the real data; null, with the test skipped aloud, where they are absent. */
export async function published(
  t: TestContext,
  text: string,
  change: (study: Study) => Study = (study) => study,
): Promise<readonly Finding[] | null> {
  const study = change(parseStudy(text, 'study.yaml'));
  const table = realData(t, study.data.table);
  if (table === null) return null;
  const dataDirectory = table.slice(0, -study.data.table.length);
  const findings = await openFindings(resolveStudy(study, { studyFile: 'study.yaml', dataDirectory }));
  t.diagnostic(findings.map(({ severity, key }) => `${severity} ${key}`).join(', ') || 'nothing found');
  return findings;
}

/** The study with a model that sees no images, which are dear to decode. */
export function withoutImages(study: Study): Study {
  const modalities = study.model.modalities.filter((modality) => modality !== 'image');
  return { ...study, model: { ...study.model, modalities } };
}
