/** A page in a real browser that runs the compiled library as it stands: an import map, no bundler, no network. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';
import type { CaseName, CaseResult } from './deviceCases.js';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync) ?? null;

/** Why no browser test can run here; null where it can. */
export const noBrowser =
  executablePath === null ? 'no chromium in /usr/bin; install the package chromium' : null;

const imports = {
  'onnxruntime-web/wasm': '/node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs',
  'onnxruntime-web/webgpu': '/node_modules/onnxruntime-web/dist/ort.webgpu.bundle.min.mjs',
  '@bufbuild/protobuf/wire': '/node_modules/@bufbuild/protobuf/dist/esm/wire/index.js',
};

const page = `<!doctype html><title>medfusion</title><script type="importmap">${JSON.stringify({ imports })}</script>`;

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** Serves the page and, from this folder, what it imports; isolated from other origins, as threads need. */
function serve(): Server {
  return createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname));
    const headers = {
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
      'Cross-Origin-Resource-Policy': 'same-origin',
    };
    if (path === '/') {
      response.writeHead(200, { ...headers, 'Content-Type': 'text/html' }).end(page);
      return;
    }
    const allowed = path.startsWith('/dist/') || path.startsWith('/node_modules/');
    const type = allowed ? types[extname(path)] : undefined;
    readFile(join(process.cwd(), path)).then(
      (body) => {
        if (type === undefined) response.writeHead(404, headers).end();
        else response.writeHead(200, { ...headers, 'Content-Type': type }).end(body);
      },
      () => response.writeHead(404, headers).end(),
    );
  });
}

/** Runs cases in a page of Chromium. */
export interface BrowserPage {
  readonly run: (name: CaseName, device: string) => Promise<CaseResult>;
  /** The value that a script ends with, plain data. */
  readonly evaluate: <T>(script: string) => Promise<T>;
  /** Whether the page may share memory between threads. */
  readonly isolated: () => Promise<boolean>;
  readonly close: () => Promise<void>;
}

/** Opens a page; its WebGPU adapter is SwiftShader, a software one. */
export async function openPage(): Promise<BrowserPage> {
  const server = serve();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({
    executablePath: executablePath!,
    args: ['--enable-unsafe-webgpu', '--enable-features=Vulkan', '--use-webgpu-adapter=swiftshader'],
  });
  const tab = await browser.newPage();
  await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return {
    // As text: this file is compiled for Node, and `import` in the page must stay what it is.
    run: (name, device) =>
      tab.evaluate(
        `import('/dist/test/runtime/deviceCases.js').then(({ runCase }) => ` +
          `runCase(${JSON.stringify(name)}, ${JSON.stringify({ device, threads: 2 })}))`,
      ),
    evaluate: (script) => tab.evaluate(script),
    isolated: () => tab.evaluate('crossOriginIsolated'),
    close: async () => {
      await browser.close();
      server.close();
    },
  };
}
