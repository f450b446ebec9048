// Ways through the page that are taken less often: litmus programs, shortening, names, links that are wrong, and a file
// that tells of another run than it holds.
import { copyFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { Page } from 'playwright-core'
import { decodeTrace, encodeTrace } from '../../sim/trace/index.js'
import { aviary, folderWith } from '../cli/support.js'
import { browserTests, savedBy, position, sheet, until, view, watch } from './browser.js'
import { traceBytes } from './session-client.js'

const browserTest = browserTests()

const programs = fileURLToPath(new URL('../../model-check/litmus/programs', import.meta.url))
const programCount = String(readdirSync(programs).length)

/** Opens a litmus program from the start page, and takes the first actions of its run by hand. */
async function byHand(page: Page, program: string): Promise<void> {
  await page.click('#gallery summary:has-text("Litmus programs")')
  await page.click(`.litmus button:text-is("${program}")`)
  await page.waitForSelector('#bench:not([aria-busy])')
  await page.keyboard.press('Home')
  await sheet(page, 'next')
  await page.waitForSelector('.enabled .choice')
  for (let i = 1; i <= 3; i++) {
    await page.click('.enabled li:has-text("the run’s next") .choice')
    await until(async () => (await position(page)).at === i)
    await page.waitForSelector(`#sheet h2:has-text("What can happen at ${String(i)}")`)
  }
  expect(await page.locator('#failure').count()).toBe(0)
}

browserTest(
  'every litmus program is on the start page; one runs there by hand, and its trace replays in Node',
  async ({ page }) => {
    await page.waitForSelector(`#gallery summary:has-text("Litmus programs (${programCount})")`)
    await byHand(page, 'message-passing')
    await page.click('#do-share')
    const { folder, path } = await savedBy(page, () => page.click('#save'))
    const replayed = await aviary(folder, 'replay', path)
    expect(replayed).toMatchObject({ code: 0 })
    expect(replayed.stdout).toContain('message-passing')
  },
)

browserTest('a litmus program of the user’s stands for the one of its name', async ({ page }) => {
  const folder = folderWith()
  copyFileSync(join(programs, 'message-passing.litmus'), join(folder, 'mine.litmus'))
  const litmus = await view(folder, './mine.litmus')
  try {
    await page.goto(litmus.url)
    await page.waitForSelector('#bench:not([aria-busy])')
    expect(await page.innerText('#what')).toContain('message-passing')
    await page.keyboard.press('g')
    await page.waitForSelector(`#gallery summary:has-text("Litmus programs (${programCount})")`)
    await byHand(page, 'message-passing')
  } finally {
    await litmus.close()
  }
})

browserTest('a run that fails is made shorter, and fails in the same way', async ({ page }) => {
  await page.click('#do-fresh')
  await page.selectOption('#fresh-system', '2pc')
  await page.selectOption('#fresh-variant', 'commit-on-half')
  await page.fill('#fresh-actions', '0')
  await page.click('#fresh-run')
  await page.waitForSelector('#bench:not([aria-busy])')
  await page.keyboard.press('e')
  await page.waitForSelector('.story .bad')
  await page.waitForSelector('#busy', { state: 'detached' })
  const before = await position(page)
  const violated = await page.innerText('.story .bad')
  await sheet(page, 'why')
  await page.click('#sheet button:has-text("Make it shorter")')
  await page.waitForSelector('#busy', { state: 'detached' })
  await until(async () => (await page.innerText('#what')).includes('shortened'))
  await page.waitForSelector('.story .bad')
  const after = await position(page)
  expect(after.length).toBeLessThanOrEqual(before.length)
  expect(after.at).toBe(after.length)
  expect(await page.innerText('.story .bad')).toBe(violated)
})

browserTest(
  'a branch gets another name, everywhere, and keeps its own when one thinks better of it',
  async ({ page }) => {
    await watch(page, 'fence-forgotten')
    await sheet(page, 'branches')
    const name = page.locator('#sheet ul.list .choice b')
    const first = await name.innerText()
    page.once('dialog', (dialog) => void dialog.dismiss())
    await page.click('#sheet button:has-text("Rename")')
    expect(await name.innerText()).toBe(first)
    page.once('dialog', (dialog) => {
      expect(dialog.defaultValue()).toBe(first)
      void dialog.accept('  the fence that nobody built ')
    })
    await page.click('#sheet button:has-text("Rename")')
    await until(async () => (await name.innerText()) === 'the fence that nobody built')
    await until(async () => (await page.innerText('#what')).includes('the fence that nobody built'))
  },
)

/** The failure that the page tells, when it has come. */
const failureOf = async (page: Page): Promise<string> => {
  await page.waitForSelector('#failure')
  const words = await page.innerText('#failure p')
  await page.click('#failure button')
  return words
}

browserTest(
  'a wrong link names the part that is wrong and what mends it, and the start page is there',
  async ({ page, url }) => {
    const wrong: readonly (readonly [hash: string, field: RegExp, mend: RegExp])[] = [
      ['#run=', /link run: is missing/, /Copy the whole link/],
      ['#at=3', /link run: is missing/, /Copy the whole link/],
      ['#run=abc%20def', /link: it holds characters/, /Copy the whole link/],
      ['#run=AAAA', /link: the shared schedule in it is damaged or cut off/, /Copy the whole link/],
      ['#run=abc&at=last', /link at: must be a whole number, not "last"/, /Give the number of a step/],
      ['#run=abc&seed=3', /link seed: is nothing that a link has/, /Copy the whole link/],
    ]
    for (const [hash, field, mend] of wrong) {
      // Anew, as from a mail; and beside what is open.
      await page.goto('about:blank')
      await page.goto(`${url}${hash}`)
      const words = await failureOf(page)
      expect(words).toMatch(field)
      expect(words).toMatch(mend)
      await page.waitForSelector('.card')
    }
    await watch(page, 'fence-forgotten')
    await page.evaluate(() => {
      ;(globalThis as unknown as { location: { hash: string } }).location.hash = '#run=ZZZZ'
    })
    expect(await failureOf(page)).toMatch(/link: the shared schedule in it is damaged/)
    expect((await position(page)).length).toBe(27)
  },
)

browserTest(
  'a link to a step that the run does not have opens it at its end, and says so',
  async ({ page, url }) => {
    await watch(page, 'fence-forgotten')
    await page.click('#do-share')
    const link = await page.inputValue('#link')
    await page.goto('about:blank')
    await page.goto(link.replace(/at=\d+$/, 'at=999'))
    await page.waitForSelector('.story .bad')
    expect(link.startsWith(url)).toBe(true)
    expect(await failureOf(page)).toBe(
      'That did not work. link at: is 999, and this run has 27 actions. Shown is its end.',
    )
    expect((await position(page)).at).toBe(27)
  },
)

browserTest(
  'a file that tells of another run than it holds is shown as it runs, and that is said',
  async ({ page }) => {
    const trace = decodeTrace(traceBytes('fence-forgotten'))
    const violation = { ...trace.violation!, at: 5 }
    const chooser = page.waitForEvent('filechooser')
    await page.click('#do-open')
    await (
      await chooser
    ).setFiles({
      name: 'edited.aviary',
      mimeType: 'application/octet-stream',
      buffer: Buffer.from(encodeTrace({ ...trace, violation })),
    })
    await page.waitForSelector('.story :text("What is shown is this run")')
    const words = await page.innerText('.story')
    expect(words).toContain(`The trace tells of ${violation.name} violated at 5, this run shows`)
    expect(words).toContain(`is violated at ${String(trace.violation!.at)}`)
  },
)

browserTest(
  'what one points at stays the same element while the run moves on beneath it',
  async ({ page }) => {
    await watch(page, 'fence-forgotten')
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowRight')
    for (const [id, selector] of [
      ['why', '#cause'],
      ['state', '[data-key="node 1"]'],
      ['next', '[data-key="1 earlier"]'],
      ['branches', '#sheet ul.list .choice'],
    ] as const) {
      await sheet(page, id)
      const element = await page.waitForSelector(selector)
      const words = await element.innerText()
      const { at } = await position(page)
      await element.hover()
      await page.mouse.down()
      await page.keyboard.press('ArrowRight')
      await until(async () => (await position(page)).at === at + 1)
      await page.mouse.up()
      expect(await element.evaluate((one) => (one as { isConnected: boolean }).isConnected), selector).toBe(
        true,
      )
      expect(await element.innerText()).toBe(words)
      await page.keyboard.press('Escape')
    }
  },
)
