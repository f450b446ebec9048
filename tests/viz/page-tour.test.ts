// The tour: each step is at the action that it speaks of, hides nothing of it, and the last two show the fix. And Back, which
// leads to the run and not out of the page.
import { expect } from 'vitest'
import type { Page } from 'playwright-core'
import { browserTests, position, sheet, until, watch } from './browser.js'

const browserTest = browserTests(1024, 700)

/** To the step of the tour with this number, one after the other. */
async function stepTo(page: Page, step: number): Promise<void> {
  for (;;) {
    const [at] = (await page.innerText('#tour h2 span')).split(' of ').map(Number)
    if (at === step) return
    await page.keyboard.press('Enter')
    await page.waitForSelector(`#tour h2 span:text-matches("^${String(at! + 1)} of")`)
  }
}
async function beginTour(page: Page): Promise<void> {
  await page.keyboard.press('t')
  await page.waitForSelector('#tour h2:has-text("A run that went wrong")')
}

browserTest('each step of the tour is at the action that it speaks of', async ({ page, complaints }) => {
  await beginTour(page)
  const { at, length } = await position(page)
  expect(at).toBe(length - 1)
  await stepTo(page, 3)
  await page.waitForSelector('#sheet h2:has-text("After action 2")')
  expect(await page.innerText('#sheet .mono >> nth=0')).toMatch(/^request .*transfer 5 from 1 to 2/)
  await stepTo(page, 4)
  expect(await page.innerText('#tour')).toContain('In the log of n2, on the right, the entry is “seen”')
  await page.waitForSelector('#sheet h3:has-text("Log of n2")')
  // What was asked for is in view, with what it means.
  const log = (await page.locator('#sheet [data-key="Log of n2"]').boundingBox())!
  const inspector = (await page.locator('#sheet').boundingBox())!
  expect(log.y).toBeGreaterThanOrEqual(inspector.y - 1)
  expect(log.y).toBeLessThan(inspector.y + inspector.height / 2)
  expect(await page.innerText('#sheet [data-key="Log of n2"]')).toContain('Entry 1 is seen')
  expect(complaints).toEqual([])
})

browserTest('the card of the tour covers neither the diagram nor the sheet', async ({ page }) => {
  await beginTour(page)
  for (let step = 1; step <= 8; step++) {
    await stepTo(page, step)
    const card = (await page.locator('#tour').boundingBox())!
    for (const part of ['#diagram', '#sheet', '.transport']) {
      const its = (await page.locator(part).boundingBox())!
      expect(its.y + its.height, `${part} at step ${String(step)}`).toBeLessThanOrEqual(card.y + 1)
    }
    expect(card.y + card.height).toBeLessThanOrEqual(701)
  }
})

browserTest('the tour ends with the fix: what differs, and the commit of the right run', async ({ page }) => {
  await beginTour(page)
  await stepTo(page, 7)
  await page.waitForSelector('#contrast')
  expect(await page.innerText('#what')).toContain('the right protocol')
  expect(await page.innerText('#contrast')).toContain('After action 10 commit of n0 is 0 instead of 1.')
  expect(await page.innerText('#tour')).toContain('commit of n0 is 0 instead of 1')
  await stepTo(page, 8)
  const { at, length } = await position(page)
  expect(at).toBe(length)
  expect(at).toBeGreaterThan(10)
  await page.waitForSelector(`#sheet h2:has-text("After action ${String(at)}")`)
  // The line that counts stands first, and what is only bytes is folded.
  expect((await page.innerText('#sheet tr.changed >> nth=0')).replace(/\s+/g, ' ')).toMatch(/^n0 commit/)
  expect(await page.innerText('#sheet')).toContain('n0 committed 1')
  await page.keyboard.press('Escape')
  await page.waitForSelector('.story .good')
})

browserTest('Back and a button lead from the gallery to the run, at its step', async ({ page, url }) => {
  await watch(page, 'fence-forgotten')
  await page.keyboard.press('Home')
  for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowRight')
  const isBack = async (): Promise<void> => {
    await page.waitForSelector('#bench:not([aria-busy])')
    await until(async () => (await position(page)).at === 3)
    expect((await position(page)).length).toBe(27)
  }
  await page.keyboard.press('g')
  await page.waitForSelector('#start')
  await page.goBack()
  await isBack()
  await page.goBack()
  await page.waitForSelector('#start')
  await page.goForward()
  await isBack()
  await page.keyboard.press('g')
  await page.click('#back-to-run')
  await isBack()
  expect(page.url()).toBe(url)
})

browserTest('the way of a request says what it leaves out', async ({ page }) => {
  await watch(page, 'fence-forgotten')
  await sheet(page, 'clients')
  await page.locator('#sheet button:has-text("Follow")').first().click()
  await page.waitForSelector('#left-out')
  const words = await page.innerText('#left-out')
  expect(words).toMatch(/is violated after it, at 27\./)
})
