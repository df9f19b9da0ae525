export * from './augment';
export * from './decode';
