/** The page in Debian's Chromium: built, served on the loopback, opened, with every complaint of the console collected. */
import { build } from 'esbuild'
import { accessSync, constants, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, type Page, chromium } from 'playwright-core'
import { type TestContext, afterAll, beforeAll, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const at = (...parts: string[]): string => join(root, ...parts)

function findChromium(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  for (const name of ['chromium', 'chromium-browser', 'google-chrome'])
    for (const folder of folders) {
      const path = join(folder, name)
      try {
        accessSync(path, constants.X_OK)
        return path
      } catch {
        // Not this one.
      }
    }
  return undefined
}
const executablePath = findChromium()

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
}

/** Files of the page by path, as they are sent. */
export async function buildPage(): Promise<ReadonlyMap<string, Buffer>> {
  const result = await build({
    entryPoints: { main: at('viz/page/main.ts'), worker: at('viz/session/worker.ts') },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2023',
    outdir: '/',
    write: false,
    logLevel: 'error',
  })
  const files = new Map(
    result.outputFiles.map((file) => [`/${file.path.split(/[\\/]/).at(-1)!}`, Buffer.from(file.contents)]),
  )
  for (const name of ['index.html', 'style.css']) files.set(`/${name}`, readFileSync(at('viz/page', name)))
  return files
}

export interface Served {
  readonly url: string
  readonly close: () => void
}

async function serve(files: ReadonlyMap<string, Buffer>): Promise<Served> {
  const gallery: { system: string; variant: string; url: string }[] = []
  const all = new Map(files)
  for (const name of readdirSync(at('tests/apus/traces'))) {
    all.set(`/traces/${name}`, readFileSync(at('tests/apus/traces', name)))
    gallery.push({ system: 'apus', variant: name.replace('.aviary', ''), url: `traces/${name}` })
  }
  all.set('/manifest.json', Buffer.from(JSON.stringify({ version: 1, open: null, gallery, remarks: [] })))
  const server = createServer((request, reply) => {
    const path = (request.url ?? '/').split('?')[0]!
    const name = path === '/' ? '/index.html' : path
    const file = all.get(name)
    reply.writeHead(file === undefined ? 404 : 200, {
      'content-type': types[extname(name)] ?? 'application/octet-stream',
    })
    reply.end(file)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`,
    close: () => server.close(),
  }
}

interface Tools {
  readonly page: Page
  readonly url: string
  readonly browser: Browser
  /** What the console complained of: errors, and what the content security policy refused. */
  readonly complaints: string[]
}

/**
 * Tests of one file share a browser; each has a page of its own. Without a Chromium they are skipped by name.
 *
 * @param width,height of the window in CSS pixels
 */
export function browserTests(width = 1440, height = 900) {
  let browser: Browser | undefined
  let served: Served | undefined
  let profile: string | undefined
  beforeAll(async () => {
    if (executablePath === undefined) return
    served = await serve(await buildPage())
    profile = mkdtempSync(join(tmpdir(), 'aviary-page-'))
    browser = await chromium.launch({
      executablePath,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        `--disk-cache-dir=${profile}`,
      ],
    })
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    served?.close()
    if (profile !== undefined) rmSync(profile, { recursive: true, force: true })
  })
  return (name: string, body: (tools: Tools) => Promise<void>): void => {
    test(name, { timeout: 120_000 }, async (context: TestContext) => {
      if (browser === undefined || served === undefined) {
        context.skip('no Chromium on this machine: apt-get install chromium')
        return
      }
      const context_ = await browser.newContext({ viewport: { width, height }, acceptDownloads: true })
      const page = await context_.newPage()
      page.setDefaultTimeout(45_000)
      const complaints: string[] = []
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text())
      })
      page.on('pageerror', (error) => complaints.push(error.message))
      try {
        await page.goto(served.url)
        await page.waitForSelector('.card')
        await body({ page, url: served.url, browser, complaints })
      } finally {
        await context_.close()
      }
    })
  }
}

/** Opens a kept trace from the gallery and waits until all of it is indexed. */
export async function watch(page: Page, variant: string, system = 'apus'): Promise<void> {
  await page.click(`[data-variant="${system} ${variant}"] button`)
  await page.waitForSelector('#bench')
  await page.waitForSelector('.story .bad, .story .good')
}

/** The sheet with this name in front. */
export async function sheet(page: Page, id: string): Promise<void> {
  await page.click(`#tab-${id}`)
}

/** Position of the cursor and length of the run. */
export async function position(page: Page): Promise<{ readonly at: number; readonly length: number }> {
  const [at, length] = (await page.textContent('#position'))!.split(' of ').map(Number)
  return { at: at!, length: length! }
}

/** The fingerprint of the state at the cursor, when it has come; the sheet “State” must be in front. */
export async function fingerprint(page: Page): Promise<string> {
  const { at } = await position(page)
  return (await page.textContent(`#fingerprint[data-at="${String(at)}"]`))!
}

/** Waits until something is so. The page forbids evaluating strings, so nothing waits inside it. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + 45_000
  while (!(await isSo())) {
    if (Date.now() > endMs) throw new Error(`waited 45 s in vain for ${isSo.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
}
