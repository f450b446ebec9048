/** The page in Debian's Chromium, served by `aviary view`, with every complaint of the console collected. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, type Page, chromium } from 'playwright-core'
import { type TestContext, afterAll, beforeAll, test } from 'vitest'
import { folderWith, start } from '../cli/support.js'

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

export interface Viewed {
  readonly url: string
  readonly close: () => Promise<void>
}

/** `aviary view` with these arguments, when it listens; it opens no browser. */
export async function view(cwd: string, ...args: readonly string[]): Promise<Viewed> {
  const { child, ended } = start(cwd, ['view', ...args, '--no-open', '--json'])
  let said = ''
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout!.on('data', (chunk: string) => {
      said += chunk
      if (!said.includes('\n')) return
      resolve((JSON.parse(said.slice(0, said.indexOf('\n'))) as { url: string }).url)
    })
    void ended.then(({ code, stderr }) => {
      reject(new Error(`aviary view ended with ${String(code)} before it listened: ${stderr}`))
    })
  })
  return {
    url,
    close: async () => {
      child.kill()
      await ended
    },
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
  let served: Viewed | undefined
  beforeAll(async () => {
    if (executablePath === undefined) return
    served = await view(folderWith())
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
      ],
    })
  }, 300_000)
  afterAll(async () => {
    await browser?.close()
    await served?.close()
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
  await page.waitForSelector('#bench:not([aria-busy])')
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

/** What a person saves in the page, as a file in a folder of its own. */
export async function savedBy(
  page: Page,
  press: () => Promise<void>,
): Promise<{ readonly folder: string; readonly path: string }> {
  const download = page.waitForEvent('download')
  await press()
  const saved = await download
  const folder = folderWith()
  const path = join(folder, saved.suggestedFilename())
  await saved.saveAs(path)
  return { folder, path }
}
