// Bending a run in a real browser: choosing, faults, knobs, going on, hunting, branches, and traces that leave it.
import { expect } from 'vitest'
import { aviary, folderWith, relay } from '../cli/support.js'
import { browserTests, savedBy, fingerprint, position, sheet, until, view, watch } from './browser.js'

const browserTest = browserTests()

browserTest(
  'another choice at a step makes a branch, and taking what comes next does not',
  async ({ page }) => {
    await watch(page, 'fence-forgotten')
    await page.keyboard.press('Home')
    for (let i = 0; i < 10; i++) await page.keyboard.press('ArrowRight')
    await sheet(page, 'next')
    await page.click('.enabled li:has-text("the run’s next") .choice')
    await until(async () => (await position(page)).at === 11)
    expect((await position(page)).length).toBe(27)
    await page.keyboard.press('ArrowLeft')
    await page.click('.enabled .choice:has-text("timer n1 suspect")')
    await until(async () => (await position(page)).length === 11)
    expect((await position(page)).at).toBe(11)
    await sheet(page, 'branches')
    expect(await page.locator('#sheet ul.list li').count()).toBe(2)
    await page.click('#compare')
    await page.waitForSelector('#difference')
    const words = await page.innerText('#difference')
    expect(words).toContain('Both take the same 10 actions.')
    expect(words).toContain('timer n1 suspect')
    expect(words).toContain('restart n0')
  },
)

browserTest(
  'crash, pause, cut and heal are choices; what the budget lacks makes a larger one',
  async ({ page }) => {
    await watch(page, 'fence-forgotten')
    await page.keyboard.press('Home')
    await sheet(page, 'next')
    for (const fault of ['crash n1', 'pause n2', 'cut n0→n2', 'heal n0→n2', 'resume n2', 'restart n1']) {
      const before = await position(page)
      await page.locator(`.enabled .choice:has-text("${fault}")`).first().click()
      await until(async () => (await position(page)).at === before.at + 1)
    }
    await page.waitForSelector('#diagram g[aria-label*="restart n1"]', { state: 'attached' })
    await page.click('#sheet button:has-text("End the faults")')
    await page.waitForSelector('#busy', { state: 'detached' })
    expect(await page.locator('#failure').count()).toBe(0)
  },
)

browserTest(
  'lists of what can happen keep their place, and the second click of a double click takes nothing else',
  async ({ page }) => {
    await watch(page, 'fence-forgotten')
    await page.keyboard.press('Home')
    await sheet(page, 'next')
    const cut = page.locator('.enabled.faults .choice:has-text("cut n0→n2")')
    await cut.waitFor()
    const before = await cut.boundingBox()
    await page.dblclick('.enabled.faults .choice:has-text("crash n1")')
    await until(async () => (await position(page)).at >= 1)
    await page.waitForSelector('.enabled.faults .choice:has-text("restart n1")')
    expect(await position(page)).toEqual({ at: 1, length: 1 })
    expect(await cut.boundingBox()).toEqual(before)
    expect(await page.locator('.enabled.faults .choice:has-text("crash n1")').isDisabled()).toBe(true)
    await sheet(page, 'branches')
    expect(await page.locator('#sheet ul.list li').count()).toBe(2)
  },
)

browserTest(
  'an action is moved, a knob flipped, the variant mended: each a branch that tells what it skipped',
  async ({ page }) => {
    await watch(page, 'fence-forgotten')
    await page.keyboard.press('Home')
    for (let i = 0; i < 9; i++) await page.keyboard.press('ArrowRight')
    await sheet(page, 'next')
    await page.click('#sheet button:has-text("1 earlier")')
    await until(async () => (await position(page)).at === 8)
    await sheet(page, 'branches')
    expect(await page.locator('#sheet ul.list li').count()).toBe(2)

    await page.locator('#sheet ul.list .choice').first().click()
    await page.keyboard.press('End')
    await until(async () => (await position(page)).at === 27)
    await sheet(page, 'next')
    await page.selectOption('[data-key="variant"]', '')
    await until(async () => (await page.innerText('#what')).includes('as it should be'))
    await page.waitForSelector('.story .good')
    await sheet(page, 'next')
    await page.selectOption('[data-key="knob poll"]', 'loads')
    await sheet(page, 'branches')
    const branches = page.locator('#sheet ul.list li')
    const failure = page.locator('#failure')
    await until(async () => (await branches.count()) > 3 || (await failure.count()) > 0)
    expect(await failure.allInnerTexts()).toEqual([])
    expect(await branches.count()).toBe(4)
  },
)

browserTest(
  'one press follows the whole story on the right protocol, where it does no harm',
  async ({ page }) => {
    await watch(page, 'completion-is-acknowledgement')
    await sheet(page, 'why')
    await page.click('#follow-right')
    await until(async () => (await page.innerText('#what')).includes('as it should be'))
    await page.waitForSelector('.story .good')
    expect(await page.innerText('.story')).toContain('Nothing is violated')
    expect(await page.locator('#follow-right').count()).toBe(0)
    const { at, length } = await position(page)
    expect([at, length > 0]).toEqual([length, true])
  },
)

browserTest('going on by seed is the same run each time', async ({ page }) => {
  await watch(page, 'fence-forgotten')
  await page.keyboard.press('Home')
  await sheet(page, 'next')
  const goOn = async (): Promise<string> => {
    await page.fill('[data-key="actions"]', '50')
    await page.click('#sheet button:has-text("Go on by seed")')
    await until(async () => (await position(page)).length > 27)
    await page.keyboard.press('End')
    await sheet(page, 'state')
    return fingerprint(page)
  }
  const first = await goOn()
  await sheet(page, 'branches')
  await page.locator('#sheet ul.list .choice').first().click()
  await until(async () => (await position(page)).length === 27)
  await page.keyboard.press('Home')
  await sheet(page, 'next')
  expect(await goOn()).toBe(first)
})

browserTest('a violation is found from a chosen step; saved, it replays in Node', async ({ page }) => {
  await page.click('#do-fresh')
  await page.selectOption('#fresh-system', '2pc')
  await page.selectOption('#fresh-variant', 'commit-on-half')
  await page.fill('#fresh-actions', '0')
  await page.click('#fresh-run')
  await page.waitForSelector('#bench:not([aria-busy])')
  await sheet(page, 'next')
  await page.locator('.enabled .choice:has-text("input n1 prepare")').click()
  await until(async () => (await position(page)).at === 1)
  await page.waitForSelector('.story .good')
  await page.click('#explore')
  await page.waitForSelector('.story .bad')
  const { length } = await position(page)
  expect(length).toBeGreaterThan(1)
  const reason = await page.innerText('.story .text p:first-child')

  await page.click('#do-share')
  const { folder, path } = await savedBy(page, () => page.click('#save'))
  const replayed = await aviary(folder, 'replay', path)
  expect(replayed.stdout).toContain(`Reproduced after ${String(length)} actions`)
  expect(reason).toContain('commit-needs-every-vote')
  expect(replayed.stdout).toContain('commit-needs-every-vote')
})

browserTest('a branch made by hand replays in Node to the state that the page showed', async ({ page }) => {
  await watch(page, 'fence-forgotten')
  await page.keyboard.press('Home')
  await sheet(page, 'next')
  for (let i = 1; i <= 5; i++) {
    await page.locator('.enabled .choice').nth(1).click()
    await until(async () => (await position(page)).at === i)
    await page.waitForSelector(`#sheet h2:has-text("What can happen at ${String(i)}")`)
  }
  await sheet(page, 'state')
  const shown = await fingerprint(page)
  await sheet(page, 'branches')
  const { folder, path } = await savedBy(page, () =>
    page.locator('#sheet button:has-text("Save")').last().click(),
  )
  const replayed = await aviary(folder, 'replay', path, '--json')
  expect(replayed.code).toBe(0)
  const { steps, fingerprint: inNode } = JSON.parse(replayed.stdout) as { steps: number; fingerprint: string }
  expect(steps).toBe(5)
  expect(shown).toBe(`state ${inNode}`)
  // The same file, back in the page, is at the same state.
  const chooser = page.waitForEvent('filechooser')
  await page.click('#do-open')
  await (await chooser).setFiles(path)
  // What is opened begins at its start; the branch by hand is shown at its end.
  await until(async () => (await position(page)).at === 0)
  await page.keyboard.press('End')
  await sheet(page, 'state')
  expect(await fingerprint(page)).toBe(shown)
})

browserTest("a user's own protocol is in the page, runs there, and is bent there", async ({ page }) => {
  const own = await view(folderWith({ 'my-relay.ts': relay }), './my-relay.ts', '--seed', '3')
  try {
    await page.goto(own.url)
    await page.waitForSelector('#bench:not([aria-busy])')
    const { length } = await position(page)
    expect(length).toBeGreaterThan(0)
    await page.keyboard.press('Home')
    await sheet(page, 'next')
    await page.locator('.enabled .choice:has-text("crash")').first().click()
    await until(async () => (await position(page)).at === 1)
    await page.keyboard.press('g')
    await page.waitForSelector('#start')
    expect(await page.innerText('#gallery .group-head >> nth=0')).toContain('your own')
  } finally {
    await own.close()
  }
})
