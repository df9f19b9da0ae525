// Compiles the AssemblyScript of src/data/assembly to WebAssembly and writes it as a module of text, so that it is
// imported alike in Node, in its workers and in a browser.
import { mkdirSync, writeFileSync } from 'node:fs';
import asc from 'assemblyscript/asc';

// Without relaxed SIMD, so that every processor makes the same bits.
const options = ['--enable', 'simd', '--runtime', 'stub', '-O3', '--noAssert', '--outFile', 'kernels.wasm'];
let bytes = null;
const { error, stderr } = await asc.main(['src/data/assembly/index.ts', ...options], {
  writeFile: (_name, contents) => {
    bytes = contents;
  },
});
const complaints = stderr.toString();
if (error !== null || bytes === null || complaints !== '') {
  console.error(complaints || error);
  process.exit(1);
}
mkdirSync('dist/src/data', { recursive: true });
const text = Buffer.from(bytes).toString('base64');
writeFileSync('dist/src/data/kernelBytes.js', `export const kernelBytes = '${text}';\n`);
