// For everybody: by keyboard alone, for screen readers, on a narrow window, in the dark, without motion; and small.
import { gzipSync } from 'node:zlib'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { browserTests, position, sheet, until, watch } from './browser.js'

const browserTest = browserTests(1024, 768)

interface Finding {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
}

/** Findings of axe-core that are serious or critical, in words. */
async function seriousFindings(page: Page, within = 'html'): Promise<string[]> {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate<{ violations: Finding[] }>(
    `axe.run(${JSON.stringify(within)}, { resultTypes: ['violations'] })`,
  )
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]!.html.slice(0, 160)} ${nodes[0]!.failureSummary}`)
}

const sheets = ['why', 'state', 'properties', 'flight', 'clients', 'next', 'branches']

for (const theme of ['light', 'dark'])
  browserTest(
    `axe-core has no serious finding on any sheet, dialog or page (${theme})`,
    async ({ page, complaints }) => {
      const isDark = async (): Promise<boolean> =>
        (await page.locator('html').getAttribute('data-theme')) === 'dark'
      if ((await isDark()) !== (theme === 'dark')) await page.click('#do-theme')
      expect(await seriousFindings(page)).toEqual([])
      await page.keyboard.press('w')
      await page.waitForSelector('#fresh')
      expect(await seriousFindings(page)).toEqual([])
      await page.keyboard.press('Escape')
      await watch(page, 'fence-forgotten')
      for (const id of sheets) {
        await sheet(page, id)
        if (id === 'next') await page.waitForSelector('.enabled .choice')
        expect(await seriousFindings(page, id === 'why' ? 'html' : '#sheet'), id).toEqual([])
      }
      await page.keyboard.press('?')
      await page.waitForSelector('#help')
      expect(await seriousFindings(page)).toEqual([])
      expect(complaints).toEqual([])
    },
  )

browserTest(
  'the tour goes from the start page to the fix by keyboard alone',
  async ({ page, complaints }) => {
    await page.keyboard.press('t')
    await page.waitForSelector('#tour h2:has-text("A run that went wrong")')
    const titles: string[] = []
    for (;;) {
      titles.push(await page.innerText('#tour h2'))
      if ((await page.innerText('#tour-next')) === 'Done') break
      if (titles.length === 4) expect((await position(page)).at).toBeGreaterThan(0)
      await page.keyboard.press('Enter')
      await until(async () => (await page.innerText('#tour h2')) !== titles.at(-1))
    }
    await page.keyboard.press('Backspace')
    await page.waitForSelector('#tour h2:has-text("The fix")')
    expect(await page.innerText('#tour')).toContain('Count acknowledgements that followers write')
    await page.keyboard.press('Escape')
    await page.waitForSelector('#tour', { state: 'hidden' })
    expect(titles.length).toBeGreaterThan(4)
    expect(complaints).toEqual([])
  },
)

browserTest('the help lists every key, and each key that it lists does something', async ({ page }) => {
  await watch(page, 'fence-forgotten')
  await page.keyboard.press('?')
  const keys = await page.locator('#help kbd').allInnerTexts()
  for (const key of ['→', '←', 'Space', 'f', 'r', 'c', 'i', 'm', 'n', 'b', '/', 'Home', 'End', '?'])
    expect(keys).toContain(key)
  await page.keyboard.press('Escape')
  await page.waitForSelector('#help', { state: 'detached' })
  await page.keyboard.press('Home')
  for (const [key, isMoved] of [
    ['ArrowRight', (at: number) => at === 1],
    ['Shift+ArrowRight', (at: number) => at === 11],
    ['m', (at: number) => at > 11],
    ['ArrowLeft', (at: number) => at > 10],
    ['v', (at: number) => at === 27],
    ['Home', (at: number) => at === 0],
    ['n', (at: number) => at > 0],
  ] as const) {
    await page.keyboard.press(key)
    await until(async () => isMoved((await position(page)).at))
  }
})

browserTest(
  'the focus layer has names: a slider with the step in words, and actions as images',
  async ({ page }) => {
    await watch(page, 'fence-forgotten')
    const slider = page.getByRole('slider', { name: 'Position in the run' })
    await slider.focus()
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowRight')
    await until(async () => /^1 of 27 invoke c0/.test((await slider.getAttribute('aria-valuetext')) ?? ''))
    expect(await page.getByRole('img', { name: /action 9: crash n0/ }).count()).toBe(1)
  },
)

browserTest('1024 pixels are enough: nothing is cut off to the right', async ({ page }) => {
  const overflow = (): Promise<unknown> =>
    page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
  expect(await overflow()).toBe(0)
  await watch(page, 'fence-forgotten')
  expect(await overflow()).toBe(0)
  for (const id of sheets) {
    await sheet(page, id)
    expect(
      await page.evaluate('document.documentElement.scrollHeight - document.documentElement.clientHeight'),
    ).toBe(0)
  }
  const clipped =
    await page.evaluate(`[...document.querySelectorAll('.transport button, .bar button, .tabs button')]
    .filter((one) => { const box = one.getBoundingClientRect(); return box.right > innerWidth || box.left < 0 || box.width === 0 })
    .map((one) => one.textContent)`)
  expect(clipped).toEqual([])
})

browserTest('who wants less motion has none', async ({ page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await watch(page, 'fence-forgotten')
  const moving = await page.evaluate(`[...document.querySelectorAll('*')].filter((one) => {
    const { animationName, transitionDuration } = getComputedStyle(one)
    return animationName !== 'none' || !/^0s(, 0s)*$/.test(transitionDuration)
  }).length`)
  expect(moving).toBe(0)
})

browserTest('the page asks nothing of any other origin, and runs no text as code', async ({ page, url }) => {
  const asked = new Set<string>()
  page.on('request', (request) => asked.add(new URL(request.url()).origin))
  await page.reload()
  await page.waitForSelector('.card')
  await watch(page, 'fence-forgotten')
  expect([...asked]).toEqual([new URL(url).origin])
  const refused = await page.evaluate(`(() => {
    const inline = document.createElement('script')
    inline.textContent = 'globalThis.ran = 1'
    document.body.append(inline)
    return globalThis.ran === undefined
  })()`)
  expect(refused).toBe(true)
})

browserTest('the page is under 500 kB compressed, its session included', async ({ page, url }) => {
  const sizes = new Map<string, number>()
  page.on('response', (response) => {
    const name = new URL(response.url()).pathname
    void response.body().then((body) => sizes.set(name, gzipSync(body, { level: 9 }).length))
  })
  await page.goto(`${url}?again`)
  await page.waitForSelector('.card')
  const wanted = ['/', '/style.css', '/main.js', '/worker.js', '/manifest.json']
  await until(() => Promise.resolve(wanted.every((name) => sizes.has(name))))
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0)
  expect(total).toBeGreaterThan(20_000)
  expect(total).toBeLessThan(500_000)
})
