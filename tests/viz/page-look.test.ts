// Opening, seeing, moving and understanding, in a real browser: each line of what a person can do there.
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { systems } from '../../protocol/index.js'
import { decodeTrace } from '../../sim/trace/index.js'
import { localClient } from '../../viz/session/local-client.js'
import { browserTests, fingerprint, position, sheet, until, watch } from './browser.js'

const browserTest = browserTests()
const traceOf = (variant: string): Buffer => readFileSync(`tests/apus/traces/${variant}.aviary`)

/** An expression that drops a file of these bytes on the page, as a person would. */
const dropOf = (name: string, bytes: Buffer): string => `(() => {
  const bytes = Uint8Array.from(atob('${bytes.toString('base64')}'), (character) => character.charCodeAt(0))
  const transfer = new DataTransfer()
  transfer.items.add(new File([bytes], ${JSON.stringify(name)}))
  document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }))
})()`

browserTest(
  'the gallery has a card with story and fix for every wrong variant of every system',
  async ({ page }) => {
    for (const system of systems)
      for (const [name, { story, fix }] of Object.entries(system.bugs)) {
        const card = page.locator(`[data-variant="${system.name} ${name}"]`)
        // The fix is folded.
        const words = await card.textContent()
        expect(words).toContain(story)
        expect(words).toContain(fix)
      }
    await page.fill('#gallery-filter', 'torn')
    expect(await page.locator('.card').count()).toBeLessThan(10)
    await page.fill('#gallery-filter', 'no story is like this')
    expect(await page.innerText('#gallery')).toContain('No story has')
  },
)

browserTest('a trace is opened by drop, at its violation, with its reason', async ({ page }) => {
  await page.evaluate(dropOf('mine.aviary', traceOf('fence-forgotten')))
  await page.waitForSelector('.story .bad')
  expect(await page.innerText('.story')).toContain('replica 2 has accepted request 1 of client 0')
  const { at, length } = await position(page)
  expect(at).toBe(length)
})

browserTest('a corrupt file gives a clear error, and the page goes on', async ({ page }) => {
  const bytes = traceOf('fence-forgotten')
  for (const [name, broken] of [
    ['cut.aviary', bytes.subarray(0, bytes.length - 40)],
    ['flipped.aviary', Buffer.from(bytes.map((byte, i) => (i === bytes.length - 20 ? byte ^ 255 : byte)))],
    ['picture.png', Buffer.from([137, 80, 78, 71, 13, 10, 26, 10, 0, 1, 2, 3])],
    ['empty.aviary', Buffer.alloc(0)],
  ] as const) {
    await page.evaluate(dropOf(name, broken))
    await page.waitForSelector('#failure')
    const words = await page.innerText('#failure')
    expect(words, name).toMatch(/That did not work\. .{20,}/)
    expect(words, name).not.toMatch(/\bat .*\.js:|undefined|TypeError|RangeError/)
    await page.click('#failure button')
    expect(await page.locator('#failure').count()).toBe(0)
  }
  await page.evaluate(dropOf('whole.aviary', bytes))
  await page.waitForSelector('#bench:not([aria-busy])')
})

browserTest('a trace is opened by the file picker', async ({ page }) => {
  const chooser = page.waitForEvent('filechooser')
  await page.click('#do-open')
  await (
    await chooser
  ).setFiles({
    name: 'mine.aviary',
    mimeType: 'application/octet-stream',
    buffer: traceOf('canary-trusted'),
  })
  await page.waitForSelector('.story .bad')
  expect((await position(page)).length).toBe(decodeTrace(traceOf('canary-trusted')).actions.length)
})

browserTest(
  'a link holds the schedule and the step: another page opens it at the same state',
  async ({ page, browser }) => {
    await watch(page, 'fence-forgotten')
    await sheet(page, 'state')
    for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowLeft')
    const before = await fingerprint(page)
    await page.click('#do-share')
    const link = await page.inputValue('#link')
    const other = await browser.newPage()
    try {
      await other.goto(link)
      await other.waitForSelector('#bench:not([aria-busy])')
      await sheet(other, 'state')
      expect(await fingerprint(other)).toBe(before)
      expect(await position(other)).toEqual(await position(page))
    } finally {
      await other.close()
    }
  },
)

browserTest('a fresh run of any system is started from the page', async ({ page }) => {
  await page.click('#do-fresh')
  for (const system of systems) {
    await page.selectOption('#fresh-system', system.name)
    expect(await page.locator('#fresh-variant option').count()).toBe(Object.keys(system.bugs).length + 1)
  }
  await page.selectOption('#fresh-system', 'paxos')
  await page.fill('#fresh-seed', '7')
  await page.fill('#fresh-actions', '60')
  await page.selectOption('#fresh-faults', 'none')
  await page.click('#fresh-run')
  await page.waitForSelector('.story .good')
  expect((await position(page)).length).toBeGreaterThan(10)
  expect(await page.innerText('#what')).toContain('paxos')
})

browserTest(
  'stepping back and forth comes to byte-identical states, the same as in Node',
  async ({ page }) => {
    const client = localClient(systems.map((definition) => ({ definition, origin: 'built-in' as const })))
    const { branch } = await client.call('open', { bytes: traceOf('fence-forgotten') })
    const inNode: string[] = []
    for (let at = 0; at <= branch.length; at++) {
      const state = await client.call('state', { branch: branch.branch, at })
      inNode.push(`state ${state.fingerprint.toString(16).padStart(8, '0')}`)
    }
    client.close()
    expect(new Set(inNode).size).toBeGreaterThan(branch.length / 2)

    await watch(page, 'fence-forgotten')
    await sheet(page, 'state')
    await page.keyboard.press('Home')
    for (let at = 0; at < branch.length; at++) {
      expect(await fingerprint(page)).toBe(inNode[at])
      await page.keyboard.press('ArrowRight')
    }
    for (let at = branch.length; at > 0; at--) {
      expect(await fingerprint(page)).toBe(inNode[at])
      await page.keyboard.press('ArrowLeft')
    }
    expect(await fingerprint(page)).toBe(inNode[0])
  },
)

browserTest(
  'the diagram has lanes, shapes of every family, words close up, and bundles far off',
  async ({ page }) => {
    await watch(page, 'fence-forgotten')
    await page.waitForSelector('#diagram g[aria-label*="crash n0"]', { state: 'attached' })
    const names = await page.locator('#diagram .lane-name').allTextContents()
    expect(names).toEqual(['n0', 'n1', 'n2', 'c0'])
    const marks = page.locator('#diagram g[aria-label*="follower"] title')
    expect(await marks.count()).toBeGreaterThan(1)
    // The colours of the families that this run has, counted on the canvas.
    const seen = await page.evaluate<string[]>(`(() => {
    const canvas = document.querySelector('#diagram canvas')
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    const style = getComputedStyle(document.documentElement)
    const wanted = ['cpu', 'message', 'onesided', 'control', 'disk', 'client', 'fault', 'repair'].map((name) => {
      const colour = style.getPropertyValue('--kind-' + name).trim()
      return [name, [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16))]
    })
    return wanted.filter(([, [r, g, b]]) => {
      let count = 0
      for (let i = 0; i < data.length; i += 4) if (data[i] === r && data[i + 1] === g && data[i + 2] === b) count++
      return count > 20
    }).map(([name]) => name)
  })()`)
    expect(seen).toEqual(['cpu', 'message', 'onesided', 'control', 'disk', 'client', 'fault', 'repair'])

    for (let i = 0; i < 8; i++) await page.keyboard.press('ArrowUp')
    await page.waitForSelector('#diagram text.label')
    await page.keyboard.press('f')
    await page.keyboard.press('0')
    // Far off there are words for faults, roles and the violation alone, each in a place of its own.
    const words = async (): Promise<string[]> =>
      (await page.locator('#diagram text.label').allTextContents()).toSorted()
    const told = ['crash', 'observe token 0', 'restart', '→ candidate', '→ follower', '→ leader']
    await until(async () => (await words()).join() === [...told, '→ probing', '→ probing'].join())
    const boxes = await Promise.all(
      (await page.locator('#diagram text.label').all()).map(async (one) => (await one.boundingBox())!),
    )
    for (const [i, one] of boxes.entries())
      for (const other of boxes.slice(i + 1))
        expect(
          one.x + one.width <= other.x || other.x + other.width <= one.x || Math.abs(one.y - other.y) >= 10,
        ).toBe(true)
  },
)

browserTest('playing, jumping, bookmarks and scrubbing move the cursor', async ({ page }) => {
  await watch(page, 'fence-forgotten')
  await page.keyboard.press('Home')
  await page.keyboard.press('f')
  await until(async () => (await position(page)).at === 10)
  await page.keyboard.press('b')
  await page.keyboard.press('r')
  await until(async () => (await position(page)).at !== 10)
  const afterRole = (await position(page)).at
  expect(afterRole).toBeGreaterThan(10)
  await page.keyboard.press('B')
  expect((await position(page)).at).toBe(10)

  for (let i = 0; i < 4; i++) await page.keyboard.press('+')
  await page.keyboard.press(' ')
  await until(async () => (await position(page)).at === 27)
  await page.waitForSelector('#do-play[aria-pressed=false]')

  const strip = (await page.locator('#overview').boundingBox())!
  await page.mouse.move(strip.x + strip.width - 4, strip.y + 40)
  await page.mouse.down()
  await page.mouse.move(strip.x + 128 + (strip.width - 128) / 3, strip.y + 40, { steps: 6 })
  await page.mouse.up()
  expect((await position(page)).at).toBe(9)
})

browserTest('search by words, kind, node and field; what is not understood is said', async ({ page }) => {
  await watch(page, 'fence-forgotten')
  await page.keyboard.press('Home')
  const search = async (text: string): Promise<string> => {
    await page.keyboard.press('/')
    await page.fill('#search', text)
    await page.keyboard.press('Enter')
    await until(async () => (await page.innerText('#found')) !== '')
    const found = await page.innerText('#found')
    await page.keyboard.press('Escape')
    await page.evaluate(`document.querySelector('#found').textContent = ''`)
    return found
  }
  expect(await search('kind:place')).toBe('5 found')
  expect(await search('kind:control node:1')).toBe('2 found')
  expect(await search('crash')).toBe('1 found')
  expect((await position(page)).at).toBe(10)
  expect(await search('field:view')).toMatch(/^\d+ found$/)
  expect(await search('node:leader')).toContain('node: wants a number, not leader')
})

browserTest(
  'the inspector shows what changed, roles, rings, bytes, what is in flight, and clients',
  async ({ page }) => {
    await watch(page, 'fence-forgotten')
    await sheet(page, 'state')
    await fingerprint(page)
    const words = await page.innerText('#sheet')
    expect(words).toContain('Changed in this step')
    expect(words).toMatch(/n2 end\s+0\s+became\s+1/)
    expect(await page.locator('svg.roles').getAttribute('aria-label')).toContain('follower is active')
    expect(await page.locator('svg.ring').first().getAttribute('aria-label')).toMatch(/entries in \d+ bytes/)
    await page.selectOption('#bytes-part', { index: 1 })
    await page.waitForSelector('.bytes')
    expect(await page.innerText('.bytes')).toMatch(/^00000 {2}([0-9a-f]{2} +){16}/)

    await sheet(page, 'flight')
    const flight = await page.innerText('#sheet')
    expect(flight).toContain('probe view=1')
    expect(flight).toMatch(/5 of 6 words placed/)
    expect(flight).toMatch(/n0 → n1\s+reset/)

    await sheet(page, 'clients')
    expect(await page.innerText('#sheet')).toContain('pending since 1')
    await page.click('#sheet button:has-text("Follow")')
    await page.waitForSelector('#sheet >> text=Followed:')
    expect(await page.locator('#sheet ol li').count()).toBeGreaterThan(1)
  },
)

browserTest(
  'every invariant has a row with its truth over time, and a violated one its reason',
  async ({ page }) => {
    await watch(page, 'fence-forgotten')
    await sheet(page, 'properties')
    const rows = page.locator('#sheet section.property')
    expect(await rows.count()).toBeGreaterThan(8)
    const first = rows.first()
    expect(await first.innerText()).toContain('replica 2 has accepted request 1 of client 0')
    expect(await first.locator('svg.truth').getAttribute('aria-label')).toMatch(
      /holds from 0, violated from 27/,
    )
    await page.keyboard.press('Home')
    await until(async () => !(await page.innerText('#sheet')).includes('replica 2 has accepted'))
    await page.click('#sheet button:has-text("Go to where it breaks: 27")')
    expect((await position(page)).at).toBe(27)
  },
)

browserTest('when it became inevitable is drawn, and called an estimate', async ({ page }) => {
  await watch(page, 'fence-forgotten')
  await sheet(page, 'why')
  await page.click('#estimate')
  await page.waitForSelector('figcaption')
  await page.waitForSelector('#busy', { state: 'detached' })
  const words = await page.innerText('figcaption')
  expect(words).toContain('An estimate, not a proof.')
  const label = (await page.locator('figure svg').getAttribute('aria-label'))!
  const fractions = [...label.matchAll(/from (\d+): (\d+) of (\d+) fail/g)].map(([, ...parts]) =>
    parts.map(Number),
  )
  expect(fractions.length).toBeGreaterThan(3)
  for (const [, failed, runs] of fractions) expect(failed).toBeLessThanOrEqual(runs!)
})

browserTest('a filter by node or by kind leaves the others dim, and is taken off again', async ({ page }) => {
  await watch(page, 'fence-forgotten')
  const inked = async (): Promise<number> =>
    await page.evaluate<number>(`(() => {
      const canvas = document.querySelector('#diagram canvas')
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
      const colour = getComputedStyle(document.documentElement).getPropertyValue('--kind-disk').trim()
      const [r, g, b] = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16))
      let count = 0
      for (let i = 0; i < data.length; i += 4) if (data[i] === r && data[i + 1] === g && data[i + 2] === b) count++
      return count
    })()`)
  await until(async () => (await inked()) > 100)
  await page.click('#legend')
  await page.click('.legend button:has-text("message")')
  await until(async () => (await inked()) === 0)
  await page.click('.legend button:has-text("message")')
  await until(async () => (await inked()) > 100)
  const name = page.getByRole('button', { name: 'c0: show its actions alone' })
  await name.focus()
  await page.keyboard.press('Enter')
  await until(async () => (await inked()) === 0)
  await page.keyboard.press('Escape')
  await until(async () => (await inked()) > 100)
})

browserTest('cause and consequence of an action are highlighted', async ({ page }) => {
  await watch(page, 'fence-forgotten')
  await sheet(page, 'why')
  await page.click('#cause')
  await page.waitForSelector('#sheet >> text=/depends on [1-9]\\d* earlier actions/')
  // What is highlighted goes with the cursor.
  await page.keyboard.press('ArrowLeft')
  await page.waitForSelector('#sheet >> text=Action 26 depends on')
  await page.keyboard.press('Escape')
  expect(await page.locator('#sheet >> text=depends on').count()).toBe(0)
  await page.keyboard.press('ArrowLeft')
  await until(async () => (await position(page)).at === 25)
  expect(await page.locator('#sheet >> text=depends on').count()).toBe(0)
})
