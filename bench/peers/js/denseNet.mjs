// The small DenseNet of the comparison, as numbers: src/models/densenet.ts has the network.
export const growth = 16;
export const blocks = [4, 4, 4, 4];
export const stemChannels = 32;
