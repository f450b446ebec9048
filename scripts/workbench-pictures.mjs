// Takes the pictures of the workbench in README and docs/: real traces, opened in a real browser, by the page as it is.
// Usage: node scripts/workbench-pictures.mjs. Needs Chromium (Debian: apt-get install chromium).
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { bootstrapOrExit } from './bootstrap.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folder = join(root, 'docs', 'images')

/** What is done before each picture is taken; the page has the trace open, at its violation. */
const pictures = [
  {
    name: 'workbench',
    trace: 'fence-forgotten',
    async prepare(page) {
      await page.click('#tab-why')
      await page.click('#estimate')
      await page.waitForSelector('figcaption')
      await page.waitForSelector('#busy', { state: 'detached' })
    },
  },
  {
    name: 'workbench-state',
    trace: 'fence-forgotten',
    async prepare(page) {
      await page.click('#tab-state')
      await page.waitForSelector('svg.ring')
      await page.click('#sheet .picker button >> nth=0')
      await page.locator('#sheet .picker').evaluate((picker) => picker.scrollIntoView())
    },
  },
  {
    name: 'workbench-bend',
    trace: 'fence-forgotten',
    async prepare(page) {
      await page.click('#do-theme')
      await page.keyboard.press('Home')
      await page.keyboard.press('f')
      await page.waitForSelector('#fingerprint[data-at="10"], #position:has-text("10 of")')
      await page.click('#tab-next')
      await page.waitForSelector('.enabled .choice')
    },
  },
]

await bootstrapOrExit({ forTests: true })
mkdirSync(folder, { recursive: true })

/** The command's own server; resolves to the address that it prints. */
const view = (trace) =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [
      join(root, 'cli', 'aviary.mjs'),
      'view',
      trace,
      '--no-open',
      '--port',
      '0',
    ])
    let said = ''
    const collect = (chunk) => {
      said += chunk
      const url = /http:\/\/127\.0\.0\.1:\d+\S*/.exec(said)?.[0]
      if (url !== undefined) resolve({ url, child })
    }
    child.stdout.setEncoding('utf8').on('data', collect)
    child.stderr.setEncoding('utf8').on('data', collect)
    child.on('close', (code) => reject(new Error(`aviary view ended with ${code}:\n${said}`)))
  })

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-sync',
  ],
})
try {
  for (const { name, trace, prepare } of pictures) {
    const { url, child } = await view(join(root, 'tests', 'apus', 'traces', `${trace}.aviary`))
    const page = await browser.newPage({ viewport: { width: 1280, height: 760 }, colorScheme: 'light' })
    await page.goto(url)
    await page.waitForSelector('.story .bad')
    await page.waitForSelector('#diagram g[role=img]', { state: 'attached' })
    await prepare(page)
    await page.mouse.move(2, 2)
    await page.waitForTimeout(600)
    await page.screenshot({ path: join(folder, `${name}.png`) })
    await page.close()
    child.kill()
    console.log(`docs/images/${name}.png`)
  }
} finally {
  await browser.close()
}
